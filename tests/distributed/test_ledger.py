"""The ledger: it counts deaths, and its own is not the run's."""

import pytest
import ray

from reviewmine.distributed.ledger import Ledger

pytestmark = pytest.mark.usefixtures("ray_up")


def test_work_that_killed_twice_is_given_up_and_work_that_ends_never_is():
    ledger = Ledger()
    for _ in range(3):
        with ledger.working_on("ends") as may_begin:
            assert may_begin
    die_of(ledger, "kills")
    with ledger.working_on("kills") as may_begin:
        assert may_begin
    die_of(ledger, "kills")
    die_of(ledger, "kills")
    with ledger.working_on("kills") as may_begin:
        assert not may_begin


def test_a_ledger_that_dies_starts_again_and_has_forgotten():
    ledger = Ledger()
    die_of(ledger, "kills")
    die_of(ledger, "kills")
    with ledger.working_on("kills") as may_begin:
        assert not may_begin
    ray.kill(ledger._actor, no_restart=False)
    with ledger.working_on("kills") as may_begin:
        assert may_begin


def test_a_ledger_lives_on_the_node_of_its_driver():
    ledger = Ledger()
    found = ray.get(ledger._actor.__ray_call__.remote(lambda _: ray.get_runtime_context().get_node_id()))
    assert found == ray.get_runtime_context().get_node_id()


def die_of(ledger: Ledger, work: str) -> None:
    """Begin `work`, and never come to its end."""
    dead.append(ledger.working_on(work))
    dead[-1].__enter__()


dead: list = []
"""Kept, for what is collected comes to its end after all."""
