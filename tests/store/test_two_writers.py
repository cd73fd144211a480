"""Two writers at the same moment, in threads and in processes of their own: one publishes, the other says why not."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from partition_world import FIRST, Archive, broken_promise, judge, run_id, silent, write
from s3_server import has_no_conditional_puts, serving
from stopping_writer import BRIEF

from reviewmine.errors import LeaseHeld, LeaseLost, ReviewmineError
from reviewmine.store.filesystem import Location, Store
from reviewmine.store.lease import Patience
from reviewmine.store.opening import open_store

NUM_ROUNDS = 20
THIRD: Archive = {"a.parquet": ["r1", "r2", "r2"], "b.parquet": ["r7"]}
IMPATIENT = Patience(ttl_s=600, wait_s=0, poll_s=0)
PAUSES = {
    "before its journal": ("put", "/journal/", "0"),
    "before a copy": ("copy", "table/dt=2024-01-01/", "1"),
    "before the commit": ("put_if", "/live/", "1"),
}


def opened(uri: str) -> Store:
    return open_store(Location.parse(uri), scratch="table__meta/scratch")


def race(uri: str, archive: Archive, numbers: tuple[int, int], patience: Patience | None) -> list[str]:
    """How two writers end that start together, each with a store of its own."""
    ended: list[str] = []
    both = threading.Barrier(2)

    def publish(number: int) -> None:
        store = opened(uri)
        both.wait()
        try:
            write(store, archive, number, patience=patience or silent())
            ended.append("done")
        except ReviewmineError as error:
            ended.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=publish, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(ended)


@pytest.mark.parametrize("kind", ["local", "s3"])
def test_of_two_that_start_together_one_publishes_and_the_other_says_who_holds_it_and_since_when(
    kind, request, tmp_path
):
    """Twenty times; where the second came so late that the first was done, it finds its work done."""
    uri = str(tmp_path) if kind == "local" else request.getfixturevalue("s3_uri")
    outcomes: Counter[str] = Counter()
    for number in range(NUM_ROUNDS):
        archive = {"a.parquet": [f"r{number}", "x"]}
        ended = race(uri, archive, (2 * number, 2 * number + 1), IMPATIENT)
        held = [told for told in ended if told.startswith(LeaseHeld.__name__)]
        assert ended.count("done") + len(held) == 2, ended
        assert "done" in ended, ended
        for told in held:
            assert f"held by run {run_id(0)[:15]}-" in told
            assert " since 20" in told
        outcomes[f"{len(held)} held"] += 1
        judge(opened(uri), archive)
    assert outcomes.total() == NUM_ROUNDS


@pytest.mark.parametrize("kind", ["local", pytest.param("s3", marks=pytest.mark.slow)])
def test_of_two_that_take_each_other_for_dead_one_generation_is_live_and_whole(kind, request, tmp_path):
    """The harsher race, twenty times: each takes the lease from the other at once, so that both go on writing."""
    uri = str(tmp_path) if kind == "local" else request.getfixturevalue("s3_uri")
    for number in range(NUM_ROUNDS):
        archive = {"a.parquet": [f"r{number}", "x"]}
        ended = race(uri, archive, (2 * number, 2 * number + 1), None)
        lost = [told for told in ended if told.startswith(LeaseLost.__name__)]
        assert len(lost) + ended.count("done") == 2, ended
        assert "done" in ended, ended
        judge(opened(uri), archive)


def stopped_writer(uri: str, pause: str) -> subprocess.Popen[str]:
    """A process that has stopped itself at `pause`, in the midst of publishing."""
    here = Path(__file__).resolve().parents[1]
    path = os.pathsep.join([str(here), str(here.parent), os.environ.get("PYTHONPATH", "")])
    writer = subprocess.Popen(
        [sys.executable, str(here / "stopping_writer.py"), uri, "2", *PAUSES[pause]],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    _, status = os.waitpid(writer.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), writer.communicate()[0]
    return writer


def resumed(writer: subprocess.Popen[str]) -> str:
    writer.send_signal(signal.SIGCONT)
    told, _ = writer.communicate()
    return told.strip()


@pytest.mark.parametrize("pause", PAUSES)
@pytest.mark.parametrize("kind", ["local", "s3"])
def test_a_writer_that_is_stopped_past_its_lease_and_goes_on_publishes_nothing(
    kind, pause, request, tmp_path
):
    uri = str(tmp_path) if kind == "local" else request.getfixturevalue("s3_uri")
    store = opened(uri)
    write(store, FIRST, 1)
    writer = stopped_writer(uri, pause)
    assert write(store, THIRD, 3, patience=BRIEF).run_id == run_id(3)
    judge(store, THIRD)
    assert resumed(writer) == "LeaseLost"
    judge(store, THIRD)


def test_without_compare_and_swap_a_writer_that_wakes_looks_at_its_lease_and_puts_nothing_more(
    s3_server, s3_uri, monkeypatch
):
    """The promise there: what it was about to put as it stopped is put, and taken back; nothing after it is."""
    with serving(has_no_conditional_puts) as plain:
        monkeypatch.setenv("AWS_ENDPOINT_URL", plain)
        store = opened(s3_uri)
        store.deny_compare_and_swap()
        write(store, FIRST, 1)
        writer = stopped_writer(s3_uri, "before a copy")
        write(store, THIRD, 3, patience=BRIEF)
        assert resumed(writer) == "LeaseLost"
        assert broken_promise(store) is None
        judge(store, THIRD)
