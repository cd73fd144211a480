"""Layout: the name of every object of a table, each of which has one writer and one precondition.

    <table>/<key>=<value>/<run_id>-<fence>-<n>.parquet      live copies: what any glob reads
    <table>__meta/                                          beside the table, never inside
        table.json                                          format, keys, contract version
        parts/<result_key>/<fragment>/<attempt>-<value>.parquet
        receipts/<result_key>/<fragment>.json
        manifests/<value>/<run_id>-<fence>.json             one generation of one partition
        live/<value>.json                                   the commit
        journal/<value>/<fence>.json   leases/<value>.json
        runs/<run_id>.json             rejects/<run_id>/<file>.json
        erased.json                                         digests of the ids that were erased
        catalog.db                                          of an Iceberg table without a catalog elsewhere
        upkeep.json                                         the lease of whoever erases or collects garbage
        scratch/                                            where local puts are readied, conditional ones tried

`<value>` is the name of a partition (`year=2024,month=01`, `all`). The names of runs sort by their start.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from reviewmine.partition import Partition
from reviewmine.store.record import digest

SCRATCH_LIFE = timedelta(days=1)
_BEGUN = "%Y%m%dT%H%M%S"
META_SUFFIX = "__meta"
RUN_ID_PATTERN = r"\d{8}T\d{6}-[0-9a-f]{8}"
_PART_NAME = re.compile(r"(?P<begun>\d{8}T\d{6}-|)(?P<chance>[0-9a-f]{16})-(?P<partition>.+)\.parquet")
_LIVE_NAME = re.compile(rf"(?P<run_id>{RUN_ID_PATTERN})-(?P<fence>\d+)-(?P<number>\d+)\.parquet")


def new_run_id() -> str:
    """The name of a run that starts now: its start in UTC, and eight digits by chance."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def scratch_name() -> str:
    """The name of a file in the scratch folder: when it was begun, in UTC, so that its age can be told."""
    return f"{datetime.now(UTC):{_BEGUN}}-{secrets.token_hex(8)}.put"


def new_attempt() -> str:
    """What the parts of one attempt at a fragment begin with: when it was begun, in UTC, and digits by chance."""
    return f"{datetime.now(UTC):{_BEGUN}}-{secrets.token_hex(8)}"


def begun_at(name: str) -> datetime | None:
    """When a scratch file or a part was begun, as its name says; None where it does not."""
    begun = name.rsplit("/", 1)[-1].partition("-")[0]
    try:
        return datetime.strptime(begun, _BEGUN).replace(tzinfo=UTC)
    except ValueError:
        return None


def is_abandoned(scratch_file: str, *, now: datetime) -> bool:
    """Whether a file in the scratch folder was begun so long ago that its writer must be dead; never for others'."""
    begun = begun_at(scratch_file)
    return begun is not None and begun < now - SCRATCH_LIFE


def fence_of(live_name: str) -> int | None:
    """The fence number in the name of a live copy; None for a file that reviewmine did not name."""
    found = _LIVE_NAME.fullmatch(live_name.rsplit("/", 1)[-1])
    return int(found["fence"]) if found else None


def partition_of_part(name: str) -> Partition | None:
    """The partition that a part is for, as its name says; None for a file that reviewmine did not name."""
    found = _PART_NAME.fullmatch(name.rsplit("/", 1)[-1])
    return Partition.of_name(found["partition"]) if found else None


def rewritten_part(name: str, num_erasures: int, erased_at: datetime | None) -> str:
    """The name of a part once rows were erased from it: of the same fragment and partition, begun at the erasure.

    It follows from the old name and the erasure, so that one that is done twice is done once; an erasure of which no
    moment was written down leaves the part as old as it was.
    """
    folder, _, last = name.rpartition("/")
    found = _PART_NAME.fullmatch(last)
    if found is None:
        raise ValueError(f"{name}: expected the name of a part")
    made = digest(found["chance"], num_erasures)[:16]
    begun = f"{erased_at.astimezone(UTC):{_BEGUN}}-" if erased_at else found["begun"]
    return f"{folder}/{begun}{made}-{found['partition']}.parquet"


@dataclass(frozen=True)
class Layout:
    """Names relative to the folder that holds both the table and its meta."""

    table: str

    @property
    def meta(self) -> str:
        return f"{self.table}{META_SUFFIX}"

    @property
    def scratch(self) -> str:
        return f"{self.meta}/scratch"

    @property
    def table_record(self) -> str:
        return f"{self.meta}/table.json"

    @property
    def tombstones(self) -> str:
        return f"{self.meta}/erased.json"

    @property
    def catalog(self) -> str:
        return f"{self.meta}/catalog.db"

    def live_folder(self, partition: Partition) -> str:
        return f"{self.table}/{partition.path}".rstrip("/")

    def live_copy(self, partition: Partition, generation: str, number: int) -> str:
        return f"{self.live_folder(partition)}/{generation}-{number:05d}.parquet"

    def part(self, result_key: str, fragment: str, attempt: str, partition: Partition) -> str:
        return f"{self.meta}/parts/{result_key}/{fragment}/{attempt}-{partition.name}.parquet"

    @property
    def all_parts(self) -> str:
        return f"{self.meta}/parts"

    def receipt(self, result_key: str, fragment: str) -> str:
        return f"{self.receipts(result_key)}/{fragment}.json"

    def receipts(self, result_key: str) -> str:
        return f"{self.meta}/receipts/{result_key}"

    @property
    def all_receipts(self) -> str:
        return f"{self.meta}/receipts"

    def manifest(self, partition: Partition, generation: str) -> str:
        return f"{self.manifests(partition)}/{generation}.json"

    def manifests(self, partition: Partition) -> str:
        return f"{self.all_manifests}/{partition.name}"

    @property
    def all_manifests(self) -> str:
        return f"{self.meta}/manifests"

    def pointer(self, partition: Partition) -> str:
        return f"{self.meta}/live/{partition.name}.json"

    @property
    def pointers(self) -> str:
        return f"{self.meta}/live"

    def journal(self, partition: Partition, fence: int) -> str:
        return f"{self.journals(partition)}/{fence:010d}.json"

    def journals(self, partition: Partition) -> str:
        return f"{self.all_journals}/{partition.name}"

    @property
    def all_journals(self) -> str:
        return f"{self.meta}/journal"

    def lease(self, partition: Partition) -> str:
        return f"{self.leases}/{partition.name}.json"

    @property
    def upkeep_lease(self) -> str:
        return f"{self.meta}/upkeep.json"

    @property
    def leases(self) -> str:
        return f"{self.meta}/leases"

    def run(self, run_id: str) -> str:
        return f"{self.runs}/{run_id}.json"

    @property
    def runs(self) -> str:
        return f"{self.meta}/runs"

    def reject(self, run_id: str, source_file: str) -> str:
        return f"{self.rejects}/{run_id}/{digest(source_file)}.json"

    @property
    def rejects(self) -> str:
        return f"{self.meta}/rejects"
