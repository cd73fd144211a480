"""The processes of a driver's own Ray, or of the nodes of a cluster, found by their titles, for tests that kill one."""

from collections.abc import Collection, Iterator
from pathlib import Path


def descendants(driver: int, title: str) -> Iterator[int]:
    """The processes of the driver's own session, or of its Ray, whose title begins with `title`."""
    return (pid for pid, _, session in _titled(title) if session == driver)


def children(parents: Collection[int], title: str) -> Iterator[int]:
    """The processes that one of `parents` started and whose title begins with `title`."""
    return (pid for pid, parent, _ in _titled(title) if parent in parents)


def _titled(title: str) -> Iterator[tuple[int, int, int]]:
    """Each process with that title, its parent and its session."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                found = (folder / "cmdline").read_bytes().decode(errors="replace")
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            except (OSError, IndexError):
                continue
            if found.startswith(title):
                yield int(folder.name), int(fields[1]), int(fields[3])
