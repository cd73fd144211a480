"""The last judgement of a backfill, wherever archive and table lie: its rows, files, manifests and receipts."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

import pyarrow.parquet as pq

from reviewmine.partition import Partition
from reviewmine.store.archive import Archive
from reviewmine.store.journal import partitions_with_journals
from reviewmine.store.manifest import Manifest, live_manifest, published_partitions
from reviewmine.store.receipts import Receipt
from reviewmine.store.table import Table

Row = tuple[str, int, str]
"""File and row number in the archive, and the review's id."""
Rows = dict[str, Counter[Row]]
"""The rows of each partition."""


def rows_of_archive(archive: Archive) -> Rows:
    """What a table of `archive` must hold."""
    found: Rows = defaultdict(Counter)
    for file in archive.files():
        with archive.store.open(file.name) as source:
            ids = pq.read_table(source, columns=["review_id"])["review_id"].to_pylist()
        found[str(Partition.of_file(file.name))].update((file.name, row, i) for row, i in enumerate(ids))
    return dict(found)


def breaches(table: Table, expected: Rows) -> list[str]:
    """Every promise that is broken now that the last run is over; `expected` are the archive's rows."""
    seen: Rows = defaultdict(Counter)
    files = sorted(table.live_sizes())
    for name in files:
        seen[str(Partition.of_file(name))].update(_rows_in(table, name))
    found = []
    for partition in sorted(expected.keys() | seen.keys()):
        lost = expected.get(partition, Counter()) - seen[partition]
        more = seen[partition] - expected.get(partition, Counter())
        if lost:
            found.append(f"{partition}: {lost.total()} rows are lost, such as {min(lost)}")
        if more:
            found.append(f"{partition}: {more.total()} rows are doubled or made up, such as {min(more)}")
    manifests = {str(partition): manifest for partition, manifest in _live_manifests(table)}
    if unpublished := sorted(expected.keys() - manifests.keys()):
        found.append(f"never published: {', '.join(unpublished)}")
    named = {name for manifest in manifests.values() for name in manifest.live_files}
    found += [f"{name}: an orphan, no live manifest names it" for name in files if name not in named]
    found += [f"a journal of {partition} stands" for partition in partitions_with_journals(*_place(table))]
    return found + partial_partitions(table, expected) + _parts_that_are_missing(table)


def partial_partitions(table: Table, expected: Rows) -> list[str]:
    """Partitions that a reader by the live manifest does not see whole; none may be there at any moment."""
    found = []
    for partition, manifest in _live_manifests(table):
        try:
            seen = Counter(row for name in manifest.live_files for row in _rows_in(table, name))
        except FileNotFoundError as absent:
            found.append(f"{partition}: its live manifest names {absent}, which is not there")
            continue
        if seen != expected[str(partition)]:
            found.append(f"{partition}: live with {seen.total()} of {expected[str(partition)].total()} rows")
    return found


def standing_receipts(table: Table) -> dict[str, bytes]:
    """Every receipt, byte for byte, by its name."""
    store, layout = _place(table)
    names = [file.name for file in store.list(f"{layout.meta}/receipts")]
    found = {name: store.get(name) for name in names}
    return {name: stored.body for name, stored in found.items() if stored}


def rows_to_reuse(table: Table, receipts: Mapping[str, bytes], result_key: str) -> int:
    """The rows of those `receipts` of `result_key` whose partition is not live with that result yet."""
    fresh = {str(p) for p, manifest in _live_manifests(table) if manifest.result_key == result_key}
    decoded = (Receipt.decode(body, where=name) for name, body in receipts.items())
    return sum(
        receipt.fragment.num_rows
        for receipt in decoded
        if receipt.result_key == result_key and str(Partition.of_file(receipt.fragment.path)) not in fresh
    )


def _parts_that_are_missing(table: Table) -> list[str]:
    store, layout = _place(table)
    parts = {file.name for file in store.list(layout.all_parts)}
    receipts = [Receipt.decode(body, where=name) for name, body in standing_receipts(table).items()]
    named = {part.name for receipt in receipts for part in receipt.parts}
    named |= {part.name for _, manifest in _live_manifests(table) for part in manifest.parts}
    return [f"{name}: a receipt or manifest names it, and it is not there" for name in sorted(named - parts)]


def _live_manifests(table: Table) -> Iterator[tuple[Partition, Manifest]]:
    for partition in published_partitions(*_place(table)):
        manifest = live_manifest(*_place(table), partition)
        if manifest:
            yield partition, manifest


def _place(table: Table):
    return table.store, table.layout


def _rows_in(table: Table, name: str) -> list[Row]:
    with table.store.open(name) as file:
        rows = pq.read_table(file, columns=["source_file", "source_row", "review_id"])
    return list(zip(*(rows[column].to_pylist() for column in rows.column_names), strict=True))
