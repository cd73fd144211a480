import importlib.util
from pathlib import Path

import pytest
from tensorboardX.proto import event_pb2
from tensorboardX.record_writer import masked_crc32c

from reviewmine.errors import UsageError
from reviewmine.store.filesystem import Location
from reviewmine.store.opening import open_store
from reviewmine.train.runlog import RunLog


def points(body: bytes) -> list[tuple[str, int, float]]:
    """(name, step, value) of every scalar in an event file, whose records are length, checksum, body, checksum."""
    found, at = [], 0
    while at < len(body):
        length = int.from_bytes(body[at : at + 8], "little")
        record = body[at + 12 : at + 12 + length]
        assert int.from_bytes(body[at + 12 + length : at + 16 + length], "little") == masked_crc32c(record)
        event = event_pb2.Event.FromString(record)
        found += [(value.tag, event.step, value.simple_value) for value in event.summary.value]
        at += 16 + length
    return found


def test_lines_and_curves_are_in_the_runs_directory_after_each_note(tmp_path: Path) -> None:
    directory = tmp_path / "runs" / "mine"
    log = RunLog(str(directory), tmp_path / "scratch", trackers=("tensorboard",), first_step=40)
    for step in (50, 60):
        log.note({"step": step, "steps": 100, "polarity_loss": step / 100})
        (text,) = (directory / "log").iterdir()
        assert text.name.endswith("-step-000040.txt")
        assert len(text.read_text().splitlines()) == step // 10 - 4
        (events,) = (directory / "tensorboard").iterdir()
        assert points(events.read_bytes())[-1] == ("polarity_loss", step, pytest.approx(step / 100))
    log.close()


def test_without_a_tracker_there_is_the_log_alone(tmp_path: Path) -> None:
    log = RunLog(str(tmp_path / "run"), tmp_path / "scratch", trackers=())
    log.note({"step": 1})
    log.close()
    written = open_store(Location.parse(tmp_path / "run")).list("")
    assert [one.name.split("/")[0] for one in written] == ["log"]


@pytest.mark.skipif(importlib.util.find_spec("mlflow") is not None, reason="the extra is installed")
def test_mlflow_without_its_extra_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"reviewmine\[mlflow\]"):
        RunLog(str(tmp_path / "run"), tmp_path / "scratch", trackers=("mlflow",))
