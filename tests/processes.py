"""The processes of a driver's own Ray, found by their titles, for tests that kill one."""

from collections.abc import Iterator
from pathlib import Path


def descendants(driver: int, title: str) -> Iterator[int]:
    """The processes of the driver's own session, or of its Ray, whose title begins with `title`."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                found = (folder / "cmdline").read_bytes().decode(errors="replace")
                session = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[3])
            except (OSError, IndexError):
                continue
            if found.startswith(title) and session == driver:
                yield int(folder.name)
