"""The memory bench: what the processes of a Ray are called, and how much of what /proc tells is theirs alone."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "scripts" / "bench"))

from memory_watch import DRIVER, OTHERS, RAY, Look, Watch, Watched, in_bytes, kind_of, of_session

MIB = 2**20
HOLD = "held = bytearray(b'x' * (64 * 2**20)); print('ready', flush=True); input()"


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("ray::MapBatches(Read)", "Read"),
        ("ray::MapWorker(MapBatches(Annotate)).submit", "Annotate"),
        ("ray::IDLE", "idle"),
        ("ray::_StatsActor", "_StatsActor"),
        ("ray::_Ledger.begin", "_Ledger"),
        ("ray::SPILL", OTHERS),
        ("/somewhere/raylet/raylet --raylet_socket_name=x", RAY),
    ],
)
def test_a_process_is_known_by_its_title(title, kind):
    assert kind_of(title) == kind


def test_lines_of_one_name_are_summed_in_bytes():
    told = "Rss: 9 kB\nPrivate_Clean:   2 kB\nPrivate_Dirty:   3 kB\n"
    assert in_bytes(told, r"Private_\w+") == 5 * 1024


def test_a_run_is_judged_by_its_largest_process_and_by_its_quarters():
    watched = Watched(
        [Look("Read", pid, at, size, 0) for pid in (1, 2) for at, size in enumerate((1, 2, 3, pid))]
    )
    assert (watched.most("Read", "anonymous"), watched.num_processes("Read")) == (3, 2)
    assert watched.quarters("Read") == (2, 2)


def test_what_a_driver_holds_is_seen():
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as held:
        assert held.stdout is not None
        held.stdout.readline()
        with Watch(held.pid) as watch:
            deadline = time.monotonic() + 30
            while not watch.watched.looks and time.monotonic() < deadline:
                time.sleep(0.05)
        held.communicate(b"\n")
    assert watch.watched.kinds() == [DRIVER]
    assert 64 * MIB <= watch.watched.most(DRIVER, "anonymous") < 100 * MIB
    assert os.getpid() not in dict(of_session(held.pid))
