"""The room for actors: refused here, waited for on a cluster, and what is said meanwhile."""

import logging
import time

import pytest
import ray

from reviewmine.backfill.settings import PoolSettings
from reviewmine.distributed.room import Room
from reviewmine.errors import ReviewmineError, UsageError


def cluster(monkeypatch: pytest.MonkeyPatch, resources: dict[str, float]) -> None:
    """Have Ray say this of the cluster that a job was submitted to."""
    monkeypatch.setattr(ray, "cluster_resources", lambda: resources)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:6379")


def test_more_actors_than_a_ray_of_this_machine_has_room_for_are_wrong_use(monkeypatch) -> None:
    cluster(monkeypatch, {"CPU": 4})
    monkeypatch.delenv("RAY_ADDRESS")
    with pytest.raises(
        UsageError,
        match=r"has 4 CPUs and 0 GPUs; expected at least 9 CPUs and 0 GPUs for 8 actors, .*; lower num_actors",
    ):
        Room(PoolSettings(num_actors=8), timeout_s=60).wait(100)


def test_a_cluster_without_room_fails_the_run_for_a_schedule_to_try_again(monkeypatch) -> None:
    cluster(monkeypatch, {"CPU": 16, "GPU": 2})
    with pytest.raises(ReviewmineError, match=r"has 16 CPUs and 2 GPUs; expected .* 4 GPUs") as raised:
        Room(PoolSettings(num_actors=4), timeout_s=0).wait(100)
    assert raised.value.exit_code == 1


def test_a_cluster_whose_workers_are_away_is_waited_for_and_the_wait_is_told_once(
    monkeypatch, caplog
) -> None:
    """The head has no processors: between two workers a cluster has none at all."""
    resources: dict[str, float] = {}
    arrivals = iter([{}, {"CPU": 16, "GPU": 2}])
    cluster(monkeypatch, resources)
    monkeypatch.setattr(time, "sleep", lambda seconds: resources.update(next(arrivals)))
    with caplog.at_level(logging.WARNING):
        assert Room(PoolSettings(), timeout_s=60).wait(100) == (2, 1)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("the cluster has 0 CPUs and 0 GPUs; expected at least 2 CPUs")
