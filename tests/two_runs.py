"""Two backfills of one table: begun at the same moment, or the one asleep past its lease while the other runs."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from archives import reviews
from backfill_world import World
from running_backfill import BRIEF, Asked, Ended, Running, chains, lost, together

DAYS = tuple(f"dt=2024-01-0{day}" for day in (1, 2, 3))
NAMES = ("a", "b")
ROWS = 5
PAUSES = (
    ("put", "/parts/", 6),
    ("put", "/receipts/", 6),
    ("put|put_if", "/leases/", 6),
    ("put|put_if", "/live/", 6),
    ("put", "/manifests/", 3),
    ("put", "/journal/", 3),
    ("copy", "table/", 6),
    ("delete", "table/", 6),
    ("delete", "/journal/", 3),
)
"""Where a run may fall asleep: an operation, a part of its name, and how many of them a run carries out."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """How two runs ended, how often each partition was published by them, and which promise is broken."""

    ended: tuple[Ended, Ended]
    num_published: tuple[int, ...]
    broken: str = ""

    @property
    def outcome(self) -> str:
        """In few words, how the two came by each other."""
        told = " ".join(ended.told for ended in self.ended)
        if "held by run" in told:
            return "one said who holds it"
        if "took over" in told or "fenced off" in told:
            return "one lost its lease"
        if "after this run had planned it" in told:
            return "one found a later publish"
        if told.strip():
            return "one failed otherwise"
        return (
            "both done, one generation" if max(self.num_published) <= 1 else "both done, one after the other"
        )


class TwoRuns:
    """An archive all of whose files change from round to round, and the table that runs bring up to date."""

    def __init__(self, root: Path, table: str) -> None:
        self.world = World(root, table=table)
        self._num_changes = 0
        self._expected: dict[str, list[str]] = {}
        self._change()
        self.world.run(checkpoint=self._checkpoint)

    def race(self, patience: Mapping[str, float]) -> Round:
        """Two runs that begin at the same moment."""
        self._change()
        before = chains(self.world)
        ended = together(self._asked(patience), self._asked(patience))
        return self._round(ended, before)

    def sleep(self, seed: int) -> Round | None:
        """A run that stops itself somewhere, by seed; one with another checkpoint runs, and then the first wakes.

        None where it came to its end before that.
        """
        operation, part, most = PAUSES[seed % len(PAUSES)]
        self._change()
        pause = (operation, part, random.Random(seed).randrange(most))
        sleeper = Running(self._asked(BRIEF, pause)).go()
        if not sleeper.has_stopped():
            sleeper.ended()
            return None
        self._checkpoint += ", then another"
        before = chains(self.world)
        other = Running(self._asked(BRIEF)).go().ended()
        standing = chains(self.world)
        sleeper.wake()
        found = self._round((sleeper.ended(), other), before)
        if found.broken or chains(self.world) == standing:
            return found
        return Round(ended=found.ended, num_published=found.num_published, broken="who slept has published")

    def mend(self) -> str:
        """What is broken even after one more run; nothing if all is as promised."""
        self.world.run(checkpoint=self._checkpoint)
        return self._broken()

    def _asked(self, patience: Mapping[str, float], pause: tuple[str, str, int] | None = None) -> Asked:
        root, table = self.world.root.parent, self.world.table.uri
        return Asked(root=root, table=table, checkpoint=self._checkpoint, patience=patience, pause=pause)

    def _change(self) -> None:
        self._num_changes += 1
        self._checkpoint = f"of change {self._num_changes}"
        self._expected = {day: [] for day in DAYS}
        for day in DAYS:
            for name in NAMES:
                ids = [f"{self._num_changes} {day} {name} {row}" for row in range(ROWS)]
                self.world.write({f"{day}/{name}.parquet": reviews(ids)})
                self._expected[day] += ids

    def _round(self, ended: tuple[Ended, Ended], before: Mapping[str, list[str]]) -> Round:
        after = chains(self.world)
        num_published = tuple(len(after.get(day, [])) - len(before.get(day, [])) for day in DAYS)
        gone = lost(self.world, *ended)
        broken = f"published and never live: {', '.join(gone)}" if gone else self._broken()
        if {run.compare_and_swap for run in ended} != {self.world.table.store.compare_and_swap}:
            broken = broken or "a run took the store for one of another kind"
        return Round(ended=ended, num_published=num_published, broken=broken)

    def _broken(self) -> str:
        try:
            self.world.judge(self._expected)
        except AssertionError as wrong:
            return str(wrong) or "the table is not its archive"
        states = set(self.world.states(checkpoint=self._checkpoint).values())
        return "" if states == {"fresh"} else f"found partitions {', '.join(sorted(states))}"
