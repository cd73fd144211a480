"""The private memory of a driver and of its Ray's processes, by what they do, looked at again and again."""

import re
import statistics
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

DRIVER, RAY, OTHERS = "driver", "Ray's own processes", "other workers"
_EVERY_S = 0.5
_MIB = 2**20
_STAGE = re.compile(r"ray::.*MapBatches\((\w+)")
_ACTOR = re.compile(r"ray::(_?[A-Z]\w*[a-z]\w*)")


@dataclass(frozen=True)
class Look:
    """One look at one process: `anonymous` is what is resident less what is shared or of a file, in bytes.

    `unshared` is what would be free again if the process ended: files and shared memory count that nobody else has
    mapped, pages of the object store among them.
    """

    kind: str
    pid: int
    at_s: float
    anonymous: int
    unshared: int


@dataclass
class Watched:
    """All looks at one run."""

    looks: list[Look] = field(default_factory=list)

    def kinds(self) -> list[str]:
        return sorted({look.kind for look in self.looks})

    def num_processes(self, kind: str) -> int:
        return len({look.pid for look in self.looks if look.kind == kind})

    def most(self, kind: str, what: str) -> int:
        """The largest private memory that a process of this kind ever had, in bytes."""
        return max(getattr(look, what) for look in self.looks if look.kind == kind)

    def quarters(self, kind: str) -> tuple[int, int]:
        """The median over the second and the last quarter of the run of the largest process of this kind."""
        moments: dict[float, int] = defaultdict(int)
        for look in self.looks:
            if look.kind == kind:
                moments[look.at_s] = max(moments[look.at_s], look.anonymous)
        series = [moments[moment] for moment in sorted(moments)]
        quarter = max(1, len(series) // 4)
        return (
            int(statistics.median(series[quarter : 2 * quarter] or series)),
            int(statistics.median(series[-quarter:])),
        )


class Watch:
    """Looks at the processes of the session of `driver` in a thread, within `with`."""

    def __init__(self, driver: int) -> None:
        self._driver = driver
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self._last_kind: dict[int, str] = {}
        self.watched = Watched()

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look_on(self) -> None:
        at_s = 0.0
        while not self._over.wait(_EVERY_S):
            at_s += _EVERY_S
            for pid, title in of_session(self._driver):
                self._look(pid, title, at_s)

    def _look(self, pid: int, title: str, at_s: float) -> None:
        kind = DRIVER if pid == self._driver else kind_of(title)
        if kind == "idle":
            kind = self._last_kind.get(pid, OTHERS)
        self._last_kind[pid] = kind
        try:
            anonymous = in_bytes(Path(f"/proc/{pid}/status").read_text(), "RssAnon")
            unshared = in_bytes(Path(f"/proc/{pid}/smaps_rollup").read_text(), r"Private_\w+")
        except (OSError, ValueError):
            return  # it ended in this moment
        if anonymous:
            self.watched.looks.append(Look(kind, pid, at_s, anonymous, unshared))


def kind_of(title: str) -> str:
    """What the process of a command line does: a stage, another actor, or `idle` for a worker between two tasks."""
    if not title.startswith("ray::"):
        return RAY
    found = _STAGE.match(title) or _ACTOR.match(title)
    if found:
        return found[1]
    return "idle" if title.startswith("ray::IDLE") else OTHERS


def in_bytes(told: str, name: str) -> int:
    """The sum of the lines of this name, which /proc tells in kB."""
    return 1024 * sum(int(found) for found in re.findall(rf"^{name}:\s+(\d+) kB", told, re.MULTILINE))


def of_session(leader: int) -> Iterator[tuple[int, str]]:
    """Process id and command line of every process of the session that `leader` leads."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            title = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            session = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[3])
        except (OSError, IndexError):
            continue
        if session == leader and title:
            yield int(folder.name), title


def mib(num_bytes: float) -> str:
    return f"{num_bytes / _MIB:,.0f}"
