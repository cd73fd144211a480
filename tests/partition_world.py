"""A world of one partition: an archive of a few rows, writers that annotate and publish it, and the last judgement."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

import pyarrow as pa
import pyarrow.parquet as pq

from reviewmine.partition import Partition
from reviewmine.store.filesystem import Store
from reviewmine.store.fragment import Fragment
from reviewmine.store.generation import Generation
from reviewmine.store.journal import standing_journals
from reviewmine.store.layout import Layout
from reviewmine.store.lease import Patience
from reviewmine.store.live import HiveLive, Live
from reviewmine.store.manifest import InputFile, Manifest, live_manifest
from reviewmine.store.parts import PartWriter
from reviewmine.store.publish import Publisher
from reviewmine.store.receipts import Receipt, get_receipt, put_receipt

LAYOUT = Layout("table")
DAY = Partition((("dt", "2024-01-01"),))
RESULT_KEY = "result"
BEATING = Patience(ttl_s=0, wait_s=0, poll_s=0)
"""A lease that beats before every put, and is taken from its holder at once: a zombie learns of it at its next beat."""


def silent() -> Patience:
    """A lease that never beats, by a clock that stands still: a zombie learns of its end from the pointer alone."""
    elapsed_s = [0.0]

    def sleep(seconds: float) -> None:
        elapsed_s[0] += seconds

    return Patience(ttl_s=1, wait_s=10, poll_s=1, now=lambda: elapsed_s[0], sleep=sleep)


Archive = dict[str, Sequence[str]]  # review ids by file
FIRST: Archive = {"a.parquet": ["r1", "r2", "r2"], "b.parquet": ["r3"]}
SECOND: Archive = {"a.parquet": ["r1", "r2", "r2"], "b.parquet": ["r3", "r4"], "c.parquet": ["r5"]}


def run_id(number: int) -> str:
    return f"20240101T000000-{number:08x}"


def write(
    store: Store,
    archive: Archive,
    number: int,
    *,
    beating: bool = False,
    patience: Patience | None = None,
    live: Live | None = None,
) -> Manifest:
    """One run, whole: annotate the fragments that have no receipt, then publish; a hive table without `live`."""
    live = live or HiveLive(store, LAYOUT)
    receipts = []
    for fragment in fragments(archive):
        receipt = get_receipt(store, LAYOUT, RESULT_KEY, fragment)
        if receipt is None:
            receipt = _annotate(store, live, archive[fragment.path], fragment, number)
        receipts.append(receipt)
    inputs = tuple(
        InputFile(path=f.path, num_bytes=1, etag=f.etag, num_rows=f.num_rows) for f in fragments(archive)
    )
    generation = Generation(
        partition=DAY, result_key=RESULT_KEY, ingredients={}, inputs=inputs, receipts=tuple(receipts)
    )
    patience = patience or (BEATING if beating else silent())
    return Publisher(store, LAYOUT, live, run_id(number), patience).publish(generation)


def fragments(archive: Archive) -> list[Fragment]:
    return [
        Fragment(path=path, etag="-".join(ids), first_row=0, num_rows=len(ids))
        for path, ids in archive.items()
    ]


def annotations(ids: Sequence[str], path: str = "a.parquet") -> pa.Table:
    """The rows of a part, with no more columns than anything here looks at."""
    columns = {
        "review_id": pa.array(ids, pa.string()),
        "source_file": pa.repeat(path, len(ids)),
        "source_row": pa.array(range(len(ids)), pa.int64()),
        "status": pa.repeat("ok", len(ids)),
    }
    return pa.table(columns)


def broken_promise(store: Store) -> str | None:
    """What is wrong for a reader at this moment: a live manifest that names a file that is not there."""
    manifest = live_manifest(store, LAYOUT, DAY)
    missing = [name for name in manifest.live_files if store.stat(name) is None] if manifest else []
    return f"the live manifest names {missing}" if missing else None


def judge(store: Store, archive: Archive) -> None:
    """The table holds exactly the archive's rows, and every object in table and meta is accounted for."""
    manifest = live_manifest(store, LAYOUT, DAY)
    assert manifest is not None
    in_table = [file.name for file in store.list("table")]
    rows = [row for name in in_table for row in _review_ids(store.get(name).body)]
    assert Counter(rows) == Counter(row for ids in archive.values() for row in ids)
    assert sorted(in_table) == sorted(manifest.live_files)
    assert list(standing_journals(store, LAYOUT, DAY)) == []
    kinds = {file.name.split("/")[1] for file in store.list("table__meta")}
    assert kinds <= {"parts", "receipts", "manifests", "live", "leases", "upkeep.json"}
    everything = [file.name for file in store.list("")]
    assert all(name.split("/")[0] in ("table", "table__meta") for name in everything)
    receipts = [
        Receipt.decode(store.get(file.name).body, where=file.name)
        for file in store.list("table__meta/receipts")
    ]
    parts = {file.name for file in store.list("table__meta/parts")}
    assert {part.name for receipt in receipts for part in receipt.parts} <= parts
    assert {part.name for part in manifest.parts} <= parts


@lru_cache(maxsize=256)
def _review_ids(body: bytes) -> list[str]:
    return pq.read_table(pa.BufferReader(body))["review_id"].to_pylist()


def _annotate(store: Store, live: Live, ids: Sequence[str], fragment: Fragment, number: int) -> Receipt:
    writer = PartWriter(store, LAYOUT, RESULT_KEY, fragment)
    part = writer.put(DAY, live.part_of(DAY, annotations(ids, fragment.path)))
    receipt = Receipt(
        result_key=RESULT_KEY,
        fragment=fragment,
        run_id=run_id(number),
        attempt=writer.attempt,
        parts=(part,),
        num_rows_by_status={"ok": len(ids)},
        put_at=datetime.now(UTC),
    )
    put_receipt(store, LAYOUT, receipt)
    return receipt
