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
    for name in table.live_sizes():
        seen[str(Partition.of_file(name))].update(_rows_in(table, name))
    found = []
    for partition in sorted(expected.keys() | seen.keys()):
        lost = expected.get(partition, Counter()) - seen[partition]
        more = seen[partition] - expected.get(partition, Counter())
        if lost:
            found.append(f"{partition}: {lost.total()} rows are lost, such as {min(lost)}")
        if more:
            found.append(f"{partition}: {more.total()} rows are doubled or made up, such as {min(more)}")
    published = {str(partition) for partition, _ in _live_manifests(table)}
    if unpublished := sorted(expected.keys() - published):
        found.append(f"never published: {', '.join(unpublished)}")
    return found + partial_partitions(table, expected) + misplaced_objects(table)


def misplaced_objects(table: Table) -> list[str]:
    """Files of the table that no live manifest names, or that are not there though one does; and the same of meta."""
    manifests = [manifest for _, manifest in _live_manifests(table)]
    files, named = set(table.live_sizes()), {name for manifest in manifests for name in manifest.live_files}
    found = [f"{name}: an orphan, no live manifest names it" for name in sorted(files - named)]
    found += [f"{name}: a live manifest names it, and it is not there" for name in sorted(named - files)]
    found += [f"a journal of {partition} stands" for partition in partitions_with_journals(*_place(table))]
    parts = {file.name for file in table.store.list(table.layout.all_parts)}
    receipts = [Receipt.decode(body, where=name) for name, body in standing_receipts(table).items()]
    wanted = {part.name for record in (*receipts, *manifests) for part in record.parts}
    return found + [
        f"{name}: a receipt or manifest names it, and it is not there" for name in sorted(wanted - parts)
    ]


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


def rows_of_status(table: Table, status: str) -> int:
    """How many rows that readers see have it."""
    found = 0
    for name in table.live_sizes():
        with table.store.open(name) as file:
            found += pq.read_table(file, columns=["status"])["status"].to_pylist().count(status)
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
