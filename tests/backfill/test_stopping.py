"""Stopping: SIGTERM is heeded at once where nothing is half done, and nowhere else."""

import signal
import threading

import pytest
from backfill_world import EXPECTED, FIRST, NUM_FRAGMENTS, SECOND
from stores import SignallingStore

from reviewmine.backfill.stopping import StopSignal
from reviewmine.backfill.work import Outcome
from reviewmine.errors import Stopped


@pytest.mark.parametrize("number", range(NUM_FRAGMENTS))
def test_sigterm_while_waiting_stops_at_once_and_a_rerun_goes_on(world, number):
    def stop(outcome: Outcome) -> None:
        if len(world.executor.outcomes) == number + 1:
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Stopped, match="run the same command again to go on"):
        world.run(after=stop)
    assert world.records()[-1].state == "stopped"
    assert world.records()[-1].exit_code == Stopped.exit_code
    world.run()
    assert world.num_done() == NUM_FRAGMENTS - (number + 1)
    world.judge(EXPECTED)


def test_sigterm_while_publishing_lets_the_publish_end_first(world):
    store = world.table.store
    world.table.store = SignallingStore(store, "copy", FIRST)
    with pytest.raises(Stopped):
        world.run()
    world.table.store = store
    world.judge({FIRST: EXPECTED[FIRST]})
    world.run()
    assert world.num_done() == 1
    world.judge(EXPECTED)


def test_sigterm_while_only_publishes_are_left_stops_between_two_of_them(world):
    world.run()
    world.run(checkpoint="two")
    store = world.table.store
    world.table.store = SignallingStore(store, "copy", FIRST)
    with pytest.raises(Stopped):
        world.run()
    assert world.executor.outcomes == []
    world.table.store = store
    states = world.states()
    assert (states[FIRST], states[SECOND]) == ("fresh", "stale: checkpoint changed (full pass)")


def test_sigterm_during_the_last_publish_is_too_late_to_stop_anything(world):
    store = world.table.store
    world.table.store = SignallingStore(store, "copy", SECOND)
    with pytest.raises(Stopped):
        world.run()
    world.table.store = store
    world.judge(EXPECTED)
    assert set(world.states().values()) == {"fresh"}


def test_what_was_done_on_sigterm_before_the_run_is_done_again_after_it(world):
    before = signal.getsignal(signal.SIGTERM)
    world.run()
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("error", [SystemError, KeyboardInterrupt, RuntimeError])
def test_a_library_that_turns_the_interruption_into_an_error_of_its_own_is_stopped_all_the_same(world, error):
    def stop(outcome: Outcome) -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except Stopped:
            raise error("returned a result with an exception set") from None

    with pytest.raises(Stopped):
        world.run(after=stop)
    assert world.records()[-1].state == "stopped"


def test_an_error_without_a_signal_is_that_error(world):
    def fail(outcome: Outcome) -> None:
        raise RuntimeError("of another kind")

    with pytest.raises(RuntimeError, match="of another kind"):
        world.run(after=fail)
    assert world.records()[-1].state == "failed"


def test_off_the_main_thread_the_signal_is_left_as_it_is():
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def look() -> None:
        with StopSignal().heeded():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]
