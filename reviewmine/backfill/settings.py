"""Settings of an annotate run: `jobs/runs/annotate.toml`, and what the command line puts in its place."""

from typing import Annotated, Literal

from pydantic import Field

from reviewmine.backfill.selection import Age, Order, Selection
from reviewmine.checkpoints import BUILTIN
from reviewmine.config import RunModel
from reviewmine.contract.reviews import ReviewColumns
from reviewmine.partition import PartitionBy
from reviewmine.store.catalog_entry import IcebergSettings
from reviewmine.store.table import Format


class PoolSettings(RunModel):
    """The actors that hold the model. None means: as many as the cluster has GPUs, or processors for."""

    num_actors: Annotated[int, Field(ge=1)] | None = None
    num_cpus_per_actor: Annotated[int, Field(ge=1)] = 1
    device: Literal["auto", "cpu", "cuda"] = "auto"
    tokens_per_batch: Annotated[int, Field(ge=512)] | None = None
    """The padded tokens of one encoder pass. None means: as suits the device."""


class PlanSettings(RunModel):
    """What a plan is told that it cannot see."""

    price_per_device_hour: Annotated[float, Field(ge=0)] | None = None
    """In any currency; a device is a GPU, or the processors of one actor."""
    tokens_per_s: Annotated[float, Field(gt=0)] | None = None
    """The pace of one actor, where this machine cannot measure it. None means: of earlier runs, or of a trial."""


class AnnotateSettings(RunModel):
    """One archive annotated into one table by one checkpoint."""

    archive: str
    table: str
    checkpoint: str = BUILTIN
    checkpoint_digest: str | None = None
    """Refuse any other checkpoint than the one with this digest."""
    columns: ReviewColumns = ReviewColumns()
    carry: tuple[str, ...] = ()
    partition_by: PartitionBy | None = None
    format: Format = "hive"
    """`iceberg` for readers that need snapshots; no table changes its format."""
    iceberg: IcebergSettings = IcebergSettings()
    atomic_run: bool = False
    """Publish all partitions of a run in one commit, which only an Iceberg table has."""
    partitions: str | None = None
    order: Order = "oldest"
    """Which partitions are annotated and published first."""
    limit_partitions: Annotated[int, Field(ge=1)] | None = None
    settled_after: Age | None = None
    """Leave partitions alone whose newest file is younger: somebody may still write them."""
    prune: bool = False
    """Empty the partitions of the table whose source is gone from the archive; without it their rows stay."""
    budget_hours: Annotated[float, Field(gt=0)] | None = None
    """Stop at the end of the first partition after so many hours, resumable."""
    annotate_unsupported: bool = False
    max_rejects: Annotated[int, Field(ge=0)] = 0
    pool: PoolSettings = PoolSettings()
    plan: PlanSettings = PlanSettings()

    @property
    def registration(self) -> IcebergSettings | None:
        """Where the table is to be registered; None for a format that has no catalog."""
        return self.iceberg if self.format == "iceberg" else None

    @property
    def selection(self) -> Selection:
        return Selection(
            order=self.order,
            max_partitions=self.limit_partitions,
            settled_after=self.settled_after,
            prune=self.prune,
        )
