"""Tombstones: the ids of reviews that were erased, as keyed digests, so that no later run brings them back.

They are counted: whatever is annotated says how many erasures it honours, and what honours too few is not published.
The key lies beside the digests: they keep ids from being read off, not from being tried out.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from reviewmine.errors import PreconditionFailed
from reviewmine.store.filesystem import Store
from reviewmine.store.layout import Layout
from reviewmine.store.record import Record


class Tombstones(Record):
    """`erased.json`: how many erasures there were, the last of them when, and the digest of every id that one named.

    `num_finished` of them are done: nothing that stands in the table holds a row of these.
    """

    num_erasures: int = 0
    num_finished: int = 0
    erased_at: datetime | None = None
    key: str = ""
    digests: frozenset[str] = frozenset()

    @property
    def unfinished(self) -> str:
        """What is to be done about an erasure that was cut off, or kept from its end; empty where all are done."""
        if self.num_finished >= self.num_erasures:
            return ""
        return (
            f"{self.num_finished} of {self.num_erasures} erasures are finished, and rows that are to be gone may still "
            "be read; call the last reviewmine erase again"
        )

    def digest(self, review_id: str) -> str:
        made = hashlib.blake2b(review_id.encode(), key=bytes.fromhex(self.key), digest_size=16)
        return made.hexdigest()

    def are_erased(self, ids: pa.ChunkedArray) -> NDArray[np.bool_]:
        """Which of `ids` [rows] were erased; a row without an id never is."""
        if not self.digests:
            return np.zeros(len(ids), np.bool_)
        found = (value is not None and self.digest(value) in self.digests for value in ids.to_pylist())
        return np.fromiter(found, np.bool_, count=len(ids))


def are_among(review_ids: Iterable[str]) -> Callable[[pa.ChunkedArray], NDArray[np.bool_]]:
    """Which of some ids [rows] are among `review_ids`, before any of them is erased."""
    wanted = pa.array(sorted(set(review_ids)), pa.string())
    return lambda ids: pc.is_in(ids, wanted).to_numpy()


def get_tombstones(store: Store, layout: Layout) -> Tombstones:
    """Those of the table; none where nothing was ever erased."""
    stored = store.get(layout.tombstones)
    return (
        Tombstones.decode(stored.body, where=f"{store.root}/{layout.tombstones}") if stored else Tombstones()
    )


def add_tombstones(store: Store, layout: Layout, review_ids: Iterable[str]) -> Tombstones:
    """Name `review_ids` as erased; where all are already, nothing is counted, and an erasure cut off goes on."""
    ids = sorted(set(review_ids))
    while True:
        stored = store.get(layout.tombstones)
        found = (
            Tombstones.decode(stored.body, where=f"{store.root}/{layout.tombstones}")
            if stored
            else Tombstones()
        )
        keyed = found if stored else found.model_copy(update={"key": secrets.token_hex(32)})
        digests = {keyed.digest(review_id) for review_id in ids}
        if digests <= found.digests:
            return found
        changes = {
            "num_erasures": found.num_erasures + 1,
            "erased_at": datetime.now(UTC),
            "digests": found.digests | digests,
        }
        grown = keyed.model_copy(update=changes)
        with suppress(PreconditionFailed):  # another erasure was quicker: add to that
            store.put_if(layout.tombstones, grown.encode(), stored.etag if stored else None)
            return grown


def finish_erasures(store: Store, layout: Layout, num_erasures: int) -> None:
    """Say that so many erasures are done; what another has added meanwhile stays to be done."""
    while stored := store.get(layout.tombstones):
        found = Tombstones.decode(stored.body, where=f"{store.root}/{layout.tombstones}")
        if found.num_finished >= num_erasures:
            return
        finished = found.model_copy(update={"num_finished": num_erasures})
        with suppress(PreconditionFailed):  # another erasure was begun: look again
            store.put_if(layout.tombstones, finished.encode(), stored.etag)
