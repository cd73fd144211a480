"""A backfill through kills of everything that can die: who dies, and at which moment, follows from the case's seed."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from disturbed import LIMIT_S, Disturbed, Driver
from nodes import Nodes
from proxy_process import ProxyProcess

Victim = Literal["driver", "actor", "writer", "node", "proxy"]
TITLES: Final = {"actor": "ray::MapWorker(MapBatches(Annotate))", "writer": "ray::MapBatches(Write)"}
VICTIMS: Final[tuple[Victim, ...]] = ("node", "node", "driver", "actor", "writer", "proxy") * 2
"""Of one case; one kill of three is a node's."""
NUM_CHANGES = 90
"""About as many changes as an undisturbed run makes of its table."""
_LATEST = {"actor": 0.2, "writer": 0.5}
"""By which share of them the last fragment may be annotated, or written: later there is nobody to kill."""
_LONGEST_PAUSE_S = 6.0


@dataclass(frozen=True, kw_only=True)
class Kill:
    """Whom, and when: as soon as the case's runs have made so many changes of its table.

    A proxy comes back after `pause_s`, and after a node that was lost another is added.
    """

    victim: Victim
    after_changes: int
    pause_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Struck:
    """A kill that was carried out: at which change, and how long after the case's first run began."""

    kill: Kill
    at_change: int
    at_s: float


def kills(seed: int, victims: Sequence[Victim] = VICTIMS) -> tuple[Kill, ...]:
    """A kill of each of `victims`, in order of their moments, which follow from the seed."""
    chance = random.Random(seed)
    made = [
        Kill(
            victim=victim,
            after_changes=chance.randrange(2, int(NUM_CHANGES * _LATEST.get(victim, 0.95))),
            pause_s=round(chance.uniform(0.1, _LONGEST_PAUSE_S), 1),
        )
        for victim in victims
    ]
    return tuple(sorted(made, key=lambda kill: kill.after_changes))


class Killer:
    """Carries out kills beside the runs of one case; `struck` are those done, `pending` the others."""

    def __init__(
        self, case: Disturbed, nodes: Nodes, proxy: ProxyProcess, kills: Sequence[Kill], seed: int
    ) -> None:
        self._case, self._nodes, self._proxy = case, nodes, proxy
        self._chance = random.Random(f"node {seed}")
        self._changes_before = proxy.num_changes(case.prefix)
        self._began = time.monotonic()
        self._fill_at: float | None = None
        self.pending = list(kills)
        self.struck: list[Struck] = []

    def disturb(self, driver: Driver) -> None:
        """Kill one after another until the run is over, or nobody is left to kill.

        A worker may have to be waited for, as they come and go; others die meanwhile if their moments come.
        """
        self._deadline = time.monotonic() + LIMIT_S
        while self.pending and self._goes_on(driver):
            changes = self._num_changes()
            due = (kill for kill in self.pending if kill.after_changes <= changes)
            if kill := next((kill for kill in due if self._carry_out(kill, driver)), None):
                at_s = round(time.monotonic() - self._began, 1)
                self.struck.append(Struck(kill=kill, at_change=changes, at_s=at_s))
                self.pending.remove(kill)
                self._mend(kill)
            time.sleep(0.01)
        self._nodes.fill()

    def _carry_out(self, kill: Kill, driver: Driver) -> bool:
        """Whether there was somebody to kill."""
        if kill.victim == "node":
            self._nodes.fill()
            self._nodes.lose(self._chance)
        elif kill.victim == "proxy":
            self._proxy.kill()
        elif kill.victim == "driver":
            driver.kill()
            driver.wait()
        else:
            pid = next(self._nodes.workers(TITLES[kill.victim]), None)
            if pid is None:
                return False
            os.kill(pid, signal.SIGKILL)
        return True

    def _goes_on(self, driver: Driver) -> bool:
        """Whether the run does, with as many nodes as before; raises TimeoutExpired for one that hangs."""
        if self._fill_at and time.monotonic() > self._fill_at:
            self._nodes.fill(wait=False)
            self._fill_at = None
        if time.monotonic() > self._deadline:
            raise subprocess.TimeoutExpired(driver.args, LIMIT_S)
        return driver.poll() is None

    def _mend(self, kill: Kill) -> None:
        """The next kill waits for a proxy, and for the moment in which another node is added."""
        if kill.victim == "proxy":
            time.sleep(kill.pause_s)
            self._proxy.start()
        elif kill.victim == "node":
            self._fill_at = time.monotonic() + kill.pause_s

    def _num_changes(self) -> int:
        return self._proxy.num_changes(self._case.prefix) - self._changes_before


def run_through(
    case: Disturbed, nodes: Nodes, proxy: ProxyProcess, kills: Sequence[Kill], seed: int
) -> Killer:
    """Run the case through all of `kills`, again after each run that one of them ended, and once more undisturbed."""
    killer = Killer(case, nodes, proxy, kills, seed)
    while killer.pending:
        num_struck = len(killer.struck)
        code = case.run(killer.disturb)
        if code == 0:
            break
        if len(killer.struck) == num_struck:
            case.broken.append(f"a run ended with exit code {code} though nothing was killed beside it")
            break
    case.end()
    return killer
