"""The log of a run: its lines of progress and its curves, kept in the run's directory, wherever that is."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary

from reviewmine.errors import UsageError
from reviewmine.store.filesystem import Location
from reviewmine.store.opening import open_store
from reviewmine.train.reporter import progress_line
from reviewmine.train.settings import Tracker

_NOT_A_CURVE: Final = frozenset({"step", "steps"})


class Curves(Protocol):
    """Where figures are drawn as curves over steps."""

    def add(self, figures: Mapping[str, float], step: int) -> None: ...

    def close(self) -> None: ...


class TensorBoardCurves:
    """An event file for TensorBoard in the local `folder`, written when `add` returns.

    tensorboardX' own SummaryWriter hands events to a thread, which a flush does not wait for. Points of earlier
    attempts from `first_step` on are not shown any more.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        folder.mkdir(parents=True)
        self._writer = EventsWriter(str(folder / "events"))
        start = SessionLog(status=SessionLog.START)
        self._writer.write_event(Event(wall_time=time.time(), step=first_step, session_log=start))

    def add(self, figures: Mapping[str, float], step: int) -> None:
        values = [Summary.Value(tag=name, simple_value=value) for name, value in figures.items()]
        self._writer.write_event(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class MlflowCurves:
    """An MLflow run, where MLFLOW_TRACKING_URI says; UsageError if the extra is not installed."""

    def __init__(self, run_id: str) -> None:
        try:
            import mlflow
        except ImportError:
            raise UsageError("loop.trackers: mlflow is missing; pip install 'reviewmine[mlflow]'") from None
        self._client: Any = mlflow.MlflowClient()
        mlflow.set_experiment("reviewmine")
        experiment = self._client.get_experiment_by_name("reviewmine").experiment_id
        found = self._client.search_runs([experiment], f"tags.reviewmine_run = '{run_id}'", max_results=1)
        run = found[0] if found else self._client.create_run(experiment, run_name=run_id)
        self._run = run.info.run_id
        self._client.set_tag(self._run, "reviewmine_run", run_id)

    def add(self, figures: Mapping[str, float], step: int) -> None:
        for name, value in figures.items():
            self._client.log_metric(self._run, name, value, step=step)

    def close(self) -> None:
        self._client.set_terminated(self._run)


class RunLog:
    """What worker 0 notes of one attempt at a run; what is noted is in the run's directory when `note` returns.

    Files are written in `scratch` and put whole: an object store has no way to add a line.
    """

    def __init__(
        self, directory: str, scratch: Path, *, trackers: Sequence[Tracker], first_step: int = 0
    ) -> None:
        location = Location.parse(directory)
        self._store = open_store(location, scratch=".putting")
        self._scratch = scratch
        started = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        self._log = scratch / "log" / f"{started}-step-{first_step:06d}.txt"
        self._log.parent.mkdir(parents=True)
        self._curves: list[Curves] = []
        if "tensorboard" in trackers:
            self._curves.append(TensorBoardCurves(scratch / "tensorboard", first_step))
        if "mlflow" in trackers:
            self._curves.append(MlflowCurves(location.name))

    def note(self, metrics: Mapping[str, float]) -> None:
        """Add a line to the log and a point to every curve."""
        with self._log.open("a", encoding="utf-8") as log:
            log.write(progress_line(metrics) + "\n")
        figures = {name: value for name, value in metrics.items() if name not in _NOT_A_CURVE}
        for curves in self._curves:
            curves.add(figures, int(metrics["step"]))
        for path in sorted(self._scratch.rglob("*")):
            if path.is_file():
                self._store.put(path.relative_to(self._scratch).as_posix(), path.read_bytes())

    def close(self) -> None:
        """Let go of the files and runs that are open."""
        for curves in self._curves:
            curves.close()
