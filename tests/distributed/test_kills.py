"""Kill -9 with Ray running, at seeded moments, of an actor, of a writing worker and of the driver; then a rerun."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from backfill_kills import TITLES
from daily_archive import judge, write_daily
from judgement import standing_receipts
from processes import descendants

from reviewmine.store.table import Table

pytestmark = pytest.mark.slow

DAYS, FILES = 8, 4
NUM_FRAGMENTS = DAYS * FILES
LIMIT_S = 600


@pytest.mark.parametrize(
    "victims",
    [
        ("actor", "writer", "actor"),
        ("writer", "driver"),
        ("actor", "driver"),
        ("writer", "actor", "driver"),
    ],
    ids=lambda victims: "-".join(victims),
)
def test_a_killed_run_is_mended_by_the_next_and_no_receipt_is_made_twice(victims, tmp_path, tiny_checkpoint):
    """Ten kills in all, each as soon as a seeded number of receipts stands; a driver's is the last of its run."""
    chance = random.Random("-".join(victims))
    archive = write_daily(tmp_path / "archive", days=DAYS, files=FILES, rows=25)
    table = tmp_path / "annotations"
    command = _command(archive, table, tiny_checkpoint)
    moments = sorted(chance.sample(range(2, NUM_FRAGMENTS - 8), len(victims)))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True) as driver:
        for victim, num_receipts in zip(victims, moments, strict=True):
            killed = _kill_once(driver, victim, table, num_receipts)
            assert killed, f"no {victim} was found before the run was over"
        code = driver.wait(LIMIT_S)
    assert code == (-signal.SIGKILL if victims[-1] == "driver" else 0)
    before = _standing(table)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=LIMIT_S)
    judge(table, archive)
    assert {name: body for name, body in _standing(table).items() if name in before} == before
    assert len(_standing(table)) == NUM_FRAGMENTS


def test_a_run_told_to_stop_exits_resumable_and_the_next_one_goes_on(tmp_path, tiny_checkpoint):
    archive = write_daily(tmp_path / "archive", days=DAYS, files=FILES, rows=25)
    table = tmp_path / "annotations"
    command = _command(archive, table, tiny_checkpoint)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as driver:
        _wait_for_receipts(driver, table, 5)
        driver.terminate()
        said, _ = driver.communicate(timeout=LIMIT_S)
    assert driver.returncode == 4
    assert "run the same command again" in json.loads(said.splitlines()[-1])["error"]
    before = _standing(table)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=LIMIT_S)
    judge(table, archive)
    assert {name: body for name, body in _standing(table).items() if name in before} == before


def _command(archive: Path, table: Path, checkpoint: Path) -> list[str]:
    options = ["--checkpoint", str(checkpoint), "--num-actors", "1", "--json"]
    return [sys.executable, "-m", "reviewmine", "annotate", str(archive), str(table), *options]


def _kill_once(driver: subprocess.Popen[bytes], victim: str, table: Path, after: int) -> bool:
    """Kill the victim as soon as `after` receipts stand; a writer may have to be waited for, as it comes and goes."""
    _wait_for_receipts(driver, table, after)
    while driver.poll() is None:
        pid = driver.pid if victim == "driver" else next(descendants(driver.pid, TITLES[victim]), None)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            return True
        time.sleep(0.002)
    return False


def _wait_for_receipts(
    driver: subprocess.Popen[str] | subprocess.Popen[bytes], table: Path, count: int
) -> None:
    deadline = time.monotonic() + LIMIT_S
    while driver.poll() is None and len(_standing(table)) < count:
        assert time.monotonic() < deadline, f"no {count} receipts within {LIMIT_S} s"
        time.sleep(0.01)


def _standing(table: Path) -> dict[str, bytes]:
    return standing_receipts(Table(str(table)))
