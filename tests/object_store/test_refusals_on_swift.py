"""Whole runs against a store that verifies who asks, and when: what a person is told, and that nothing is lost."""

import uuid
from datetime import timedelta

import botocore.auth
import pytest
from backfill_world import EXPECTED, World, two_days

from reviewmine.errors import StoreError, StoreUnavailable
from reviewmine.store.s3_client import client
from reviewmine.store.table import Table

pytestmark = pytest.mark.object_store


@pytest.fixture
def world(tmp_path, object_store_uri) -> World:
    """Two days in a bucket that others may read, by checkpoint one."""
    bucket = f"read-only-{uuid.uuid4().hex}"
    client().create_bucket(Bucket=bucket, ACL="public-read")
    made = two_days(tmp_path)
    made.table = Table(f"s3://{bucket}/table")
    made.run()
    return made


def refused(world: World) -> str:
    """What a run says that is refused, at once and without a secret."""
    with pytest.raises(StoreError) as told:
        world.run(checkpoint="two")
    assert not isinstance(told.value, StoreUnavailable)
    assert "not-that-secret" not in str(told.value)
    return str(told.value)


def judge(world: World) -> None:
    """Nothing was lost meanwhile, and the next run does what was refused."""
    assert world.table.record() is not None
    world.judge(EXPECTED)
    world.run(checkpoint="two")
    world.judge(EXPECTED)
    assert set(world.states(checkpoint="two").values()) == {"fresh"}


def test_with_a_wrong_secret_a_run_ends_with_the_variable_to_check(world, object_store, monkeypatch):
    with monkeypatch.context() as other:
        # Connections are shared by address: another name of the same address is a process that begins with this one.
        other.setenv("AWS_ENDPOINT_URL", object_store["AWS_ENDPOINT_URL"].replace("127.0.0.1", "localhost"))
        other.setenv("AWS_SECRET_ACCESS_KEY", "not-that-secret")
        told = refused(world)
    assert told.startswith(f"{world.table.location.parent.uri}/table__meta/table.json: get_object: ")
    assert (
        "SignatureDoesNotMatch (403): the secret is not that of the key; check AWS_SECRET_ACCESS_KEY" in told
    )
    judge(world)


def test_in_a_bucket_that_may_only_be_read_a_run_ends_with_who_to_ask(world, monkeypatch):
    with monkeypatch.context() as reader:
        reader.setenv("AWS_ACCESS_KEY_ID", "reviewmine:reader")
        world.judge(EXPECTED)
        told = refused(world)
    assert "AccessDenied (403): this identity may not; check its policy" in told
    judge(world)


def test_with_a_clock_that_is_off_a_run_ends_with_what_to_set(world, monkeypatch):
    now = botocore.auth.get_current_datetime
    with monkeypatch.context() as skewed:
        skewed.setattr(
            botocore.auth, "get_current_datetime", lambda **asked: now(**asked) + timedelta(hours=1)
        )
        told = refused(world)
    assert "RequestTimeTooSkewed (403): this machine's clock is off; set it" in told
    judge(world)


def test_a_bucket_that_is_not_there_ends_a_run_with_what_to_do(world):
    there, world.table = world.table, Table(f"s3://nowhere-{uuid.uuid4().hex}/table")
    assert f"s3://{world.table.location.parent.path}/" in refused(world)
    assert "NoSuchBucket (404): there is no such bucket; make it, or correct the URI" in refused(world)
    world.table = there
    judge(world)
