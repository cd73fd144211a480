"""Rollback: a generation that was live before becomes live again, as a new generation made of the same parts.

It is published like any other, by the same steps under the same lease, so that a rollback that is killed at any of
them is finished or undone by whoever holds the partition next. To ask for the previous generation once more is to
ask for nothing: a rerun after a kill goes back no further.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from reviewmine.errors import PublishError, TableError
from reviewmine.partition import Partition
from reviewmine.store.filesystem import Store
from reviewmine.store.held import HeldPartition
from reviewmine.store.layout import Layout
from reviewmine.store.lease import Patience
from reviewmine.store.live import Live
from reviewmine.store.manifest import Manifest, history
from reviewmine.store.parts import check_part
from reviewmine.store.tombstones import get_tombstones

PREVIOUS: Final = "previous"


@dataclass(frozen=True, kw_only=True)
class Rollback:
    """What is live `now`, in place of `before`; `restored` was live earlier. Nothing was done where they are one."""

    before: Manifest
    restored: Manifest
    now: Manifest

    @property
    def is_done_already(self) -> bool:
        return self.now == self.before


def roll_back(
    store: Store,
    layout: Layout,
    seen: Live,
    partition: Partition,
    run_id: str,
    *,
    to: str,
    patience: Patience,
) -> Rollback:
    """Make the generation `to` of `partition` live again: its name, the run that published it, or PREVIOUS.

    Raises TableError if it is not kept, LeaseHeld, LeaseLost, or PublishError if a part of it cannot be read
    or it may hold rows that are to be erased; what was live then still is.
    """
    with HeldPartition(store, layout, seen, partition, run_id, patience) as held:
        live = held.live_manifest()
        if live is None:
            raise TableError(f"partition {partition}: nothing was published in it yet; there is no way back")
        wanted = find_generation(list(history(store, layout, partition, live)), to)
        if wanted.generation in (live.generation, live.restores):
            return Rollback(before=live, restored=wanted, now=live)
        _refuse_erased(store, layout, partition, wanted)
        for part in wanted.parts:
            held.keep()
            try:
                check_part(store, part)
            except PublishError as broken:
                raise PublishError(
                    f"partition {partition}: generation {wanted.generation} cannot be restored: {broken}"
                ) from broken
        name = f"{run_id}-{held.fence}"
        live_files = (layout.live_copy(partition, name, number) for number in range(len(wanted.parts)))
        now = wanted.model_copy(
            update={
                "run_id": run_id,
                "fence": held.fence,
                "live_files": tuple(live_files),
                "published_at": datetime.now(UTC),
                "previous": live.generation,
                "restores": wanted.generation,
            }
        )
        held.commit(now, replaces=live)
        return Rollback(before=live, restored=wanted, now=now)


def _refuse_erased(store: Store, layout: Layout, partition: Partition, wanted: Manifest) -> None:
    """Raises PublishError where a generation may hold rows of an erasure that was cut off, or is under way."""
    tombstones = get_tombstones(store, layout)
    if max(wanted.num_erasures, tombstones.num_finished) < tombstones.num_erasures:
        raise PublishError(
            f"partition {partition}: generation {wanted.generation} may hold rows that are to be erased: "
            f"{tombstones.num_finished} of {tombstones.num_erasures} erasures are finished; call the last erase again, "
            "and roll back then"
        )


def find_generation(generations: Sequence[Manifest], to: str) -> Manifest:
    """The generation that `to` means among those that are kept, live one first. Raises TableError if there is none."""
    live = generations[0]
    if to == PREVIOUS:
        if live.restores:  # the live one is a rollback: what it restored is what was asked for
            return next((kept for kept in generations if kept.generation == live.restores), live)
        if len(generations) == 1:
            raise TableError(
                f"partition {live.partition or 'all'}: no generation before {live.generation} is kept; there is no way "
                "back"
            )
        return generations[1]
    found = [kept for kept in generations if to in (kept.generation, kept.run_id)]
    if not found:
        told = ", ".join(kept.generation for kept in generations)
        raise TableError(
            f"partition {live.partition or 'all'}: generation {to} is not kept; found {told}, the live one first"
        )
    return found[0]
