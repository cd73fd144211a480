"""Publishes through a proxy that injects faults, by seed: the run after each finds everything mended."""

import random

import pytest
from crash_points import starts_in
from fault_proxy import FaultProxy
from faults import Rule
from partition_world import FIRST, SECOND, broken_promise, judge, write
from stores import MemoryStore

from reviewmine.errors import ReviewmineError
from reviewmine.store.filesystem import Location
from reviewmine.store.opening import open_store
from reviewmine.store.retrying import RetryingStore
from reviewmine.store.s3 import S3Store

SEEDS = range(20)
NUM_FIRST = 8
"""The first seeds begin with each of the faults once."""
NUM_REQUESTS = 30
"""About as many as a publish makes."""
BRIEF, LASTING = 2, 40
"""Faults that a store retries over, and ones that outlast every retry."""
FAULTS = (
    "slow_down",
    "internal_error",
    "forbidden",
    "reset",
    "cut_request",
    "cut_reply",
    "lost_reply",
    "stale_list",
)


def rules(seed: int) -> list[Rule]:
    """One to three faults, each from some request on, brief or lasting."""
    dice = random.Random(seed)
    return [
        Rule(
            fault=FAULTS[seed % len(FAULTS)] if number == 0 else dice.choice(FAULTS),
            skip=0 if number == 0 and seed % len(FAULTS) == 7 else dice.randrange(NUM_REQUESTS),
            times=dice.choice((BRIEF, LASTING)),
            behind=dice.randrange(1, 20),
        )
        for number in range(dice.randrange(1, 4))
    ]


def publish_through_faults(upstream: str, uri: str, monkeypatch: pytest.MonkeyPatch, seed: int) -> str:
    """Overwrite a partition through faults, then once more without; how the first of the two ended."""
    objects = MemoryStore()
    write(objects, FIRST, 1)
    with FaultProxy(upstream) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        plain = starts_in(uri, objects.objects)()
        patient = RetryingStore(S3Store(plain.root.removeprefix("s3://")), sleep=lambda _: None)
        proxy.follow(rules(seed), seed=seed)
        try:
            write(patient, SECOND, 2)
            ended = "done"
        except ReviewmineError as refused:
            ended = type(refused).__name__
        assert proxy.struck, f"seed {seed}: nothing was struck"
        proxy.follow([])
        mended = open_store(Location.parse(plain.root))
        assert broken_promise(mended) is None, f"seed {seed}"
        write(mended, SECOND, 3)
        judge(mended, SECOND)
    return ended


def is_overcome(met: list[Rule]) -> bool:
    """Whether trying again gets the better of these faults."""
    return all(rule.times == BRIEF and rule.fault != "forbidden" for rule in met)


@pytest.mark.parametrize(
    "seed", [*SEEDS[:NUM_FIRST], *(pytest.param(seed, marks=pytest.mark.slow) for seed in SEEDS[NUM_FIRST:])]
)
def test_a_publish_through_faults_loses_nothing_and_leaves_nothing_behind(
    seed, s3_server, s3_uri, monkeypatch
):
    ended = publish_through_faults(s3_server, s3_uri, monkeypatch, seed)
    assert ended == "done" or not is_overcome(rules(seed))


@pytest.mark.object_store
@pytest.mark.parametrize("seed", SEEDS[:NUM_FIRST])
def test_the_same_holds_on_swift(seed, object_store, object_store_uri, monkeypatch):
    ended = publish_through_faults(object_store["AWS_ENDPOINT_URL"], object_store_uri, monkeypatch, seed)
    assert ended == "done" or not is_overcome(rules(seed))
