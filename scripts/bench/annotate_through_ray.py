"""From Parquet to Parquet through Ray: the same rows as an archive, annotated into a table by the main job."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from annotate_results import Passage
from annotate_reviews import BenchReviews

from reviewmine.backfill.plan import Plan, Reject
from reviewmine.backfill.settings import AnnotateSettings
from reviewmine.backfill.summary import Summary
from reviewmine.demo.partitioned import write_archive
from reviewmine.distributed.main_job import annotate
from reviewmine.distributed.session import ray_session
from reviewmine.partition import Partition
from reviewmine.store.manifest import Manifest
from reviewmine.store.receipts import Receipt


@dataclass
class _Stations:
    """An observer that notes when a run passes which station for the first time, or at last."""

    started: float = field(default_factory=time.perf_counter)
    until_s: dict[str, float] = field(default_factory=dict)

    def planned(self, plan: Plan, num_rows: int) -> None:
        self._pass("planned")

    def annotated(self, receipt: Receipt) -> None:
        if "first file annotated" not in self.until_s:
            self._pass("first file annotated")
        self._pass("last file annotated")

    def published(self, manifest: Manifest) -> None:
        self._pass("published")

    def rejected(self, reject: Reject) -> None:
        """Nothing here is rejected: `rows_annotated` is looked at in the end."""

    def withheld(self, partition: Partition, reason: str) -> None:
        """As for rejects."""

    def finished(self, summary: Summary) -> None:
        """The clock is read behind the job, when a Ray that it started has stopped."""

    def _pass(self, station: str) -> None:
        self.until_s[station] = time.perf_counter() - self.started


def through_ray(reviews: BenchReviews, *, num_threads: int, tell: Callable[[str], None]) -> Iterator[Passage]:
    """The main job with Ray started before the clock, then with the start and stop of Ray in its time.

    The archive has two files for each thread, at least four, and each of them holds all rows: files are what Ray
    spreads over its workers. A fresh worker loads its weights within the time of both.
    """
    num_files = max(4, 2 * num_threads)
    columns = reviews.conformed.select(["review_id", "title", "body", "language"])
    with tempfile.TemporaryDirectory(prefix="reviewmine-bench-") as folder:
        archive = Path(folder) / "archive"
        write_archive(
            pa.concat_tables([columns] * num_files), archive, partition_by=None, files_per_partition=num_files
        )
        sessions: tuple[tuple[str, AbstractContextManager[Any]], ...] = (
            ("Ray started before", ray_session()),
            ("with the start of Ray", nullcontext()),
        )
        for number, (name, session) in enumerate(sessions):
            tell(f"Parquet to Parquet, {name}: {num_files} files of {len(reviews):,} rows")
            settings = AnnotateSettings(
                archive=str(archive), table=str(Path(folder) / f"table-{number}"), annotate_unsupported=True
            )
            with session:
                stations = _Stations()
                summary = annotate(settings, stations)
                took = time.perf_counter() - stations.started
            _check(summary, num_files * len(reviews))
            yield Passage(
                name=name,
                num_rows=summary.rows_annotated,
                num_files=num_files,
                seconds=took,
                until_s=stations.until_s,
            )


def _check(summary: Summary, num_rows: int) -> None:
    if summary.rows_annotated != num_rows:
        raise RuntimeError(f"the main job annotated {summary.rows_by_status} of {num_rows} rows")
