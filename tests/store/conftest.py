"""An S3-compatible server, its credentials in the environment only, and an empty store of each kind."""

import logging
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest
from s3_server import serving
from stores import MemoryStore

from reviewmine.store.filesystem import Location, Store
from reviewmine.store.opening import open_store

BUCKET = "reviews"
KEY_ID, SECRET = "key-of-the-tests", "secret-of-the-tests"


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of a server that answers for as long as the tests run."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with serving() as address:
        with pytest.MonkeyPatch.context() as environment:
            lead_to(address, environment)
            botocore.session.get_session().create_client("s3").create_bucket(Bucket=BUCKET)
        yield address


@pytest.fixture
def s3_uri(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A URI of its own for each test, and the environment that leads there."""
    lead_to(s3_server, monkeypatch)
    return f"s3://{BUCKET}/{uuid.uuid4().hex}"


def lead_to(address: str, environment: pytest.MonkeyPatch) -> None:
    """Set the environment to the server at `address`, and nothing else of AWS."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        environment.delenv(name)
    environment.setenv("AWS_ENDPOINT_URL", address)
    environment.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    environment.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
    environment.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(params=["local", "s3", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of each kind that a table may live in."""
    if request.param == "memory":
        return MemoryStore()
    uri = tmp_path / "root" if request.param == "local" else request.getfixturevalue("s3_uri")
    return open_store(Location.parse(uri), scratch="scratch")
