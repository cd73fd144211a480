"""Journals: those of a partition in order of fence, and the partitions that have one."""

import pytest
from partition_world import DAY, LAYOUT, run_id
from stores import MemoryStore

from reviewmine.errors import TableError
from reviewmine.partition import Partition
from reviewmine.store.journal import Journal, partitions_with_journals, standing_journals

COMMA = Partition((("brand", "Salt, Pepper"), ("dt", "2024-01-01")))


def journal(fence: int) -> Journal:
    return Journal(run_id=run_id(fence), fence=fence, puts=("new",), replaces=("old",))


def test_the_journals_of_a_partition_come_lowest_fence_first():
    store = MemoryStore()
    for fence in (12, 9):
        store.put(LAYOUT.journal(DAY, fence), journal(fence).encode())
    store.put(LAYOUT.journal(COMMA, 1), journal(1).encode())
    assert list(standing_journals(store, LAYOUT, DAY)) == [journal(9), journal(12)]


def test_a_journal_names_its_generation():
    assert journal(3).generation == f"{run_id(3)}-3"


def test_a_journal_that_another_drops_meanwhile_is_passed_over():
    store = MemoryStore()
    for fence in (1, 2):
        store.put(LAYOUT.journal(DAY, fence), journal(fence).encode())
    found = standing_journals(store, LAYOUT, DAY)
    assert next(found).fence == 1
    store.delete(LAYOUT.journal(DAY, 2))
    assert list(found) == []


def test_partitions_with_journals_are_told_once_each():
    store = MemoryStore()
    for partition, fence in ((DAY, 1), (DAY, 2), (COMMA, 1), (Partition(), 4)):
        store.put(LAYOUT.journal(partition, fence), journal(fence).encode())
    assert set(partitions_with_journals(store, LAYOUT)) == {DAY, COMMA, Partition()}
    assert len(partitions_with_journals(store, LAYOUT)) == 3


def test_a_journal_that_cannot_be_read_is_named():
    store = MemoryStore()
    store.put(LAYOUT.journal(DAY, 1), b"{")
    with pytest.raises(TableError, match=LAYOUT.journal(DAY, 1)):
        list(standing_journals(store, LAYOUT, DAY))
