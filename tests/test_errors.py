"""The error tree: its drawing is true, and its leaves have the exit codes that it promises."""

import re

from reviewmine import errors
from reviewmine.errors import ReviewmineError


def family(kind: type[ReviewmineError]) -> list[type[ReviewmineError]]:
    return [kind, *(child for below in kind.__subclasses__() for child in family(below))]


def test_the_drawing_names_every_error_with_its_exit_code_and_its_parent():
    drawn: list[tuple[int, str, int]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"([ │├└─]*)(\w+) {2,}(\d) ", line)
        if found:
            drawn.append((len(found[1]), found[2], int(found[3])))
    assert [(name, code) for _, name, code in drawn] == [
        (kind.__name__, kind.exit_code)
        for kind in family(ReviewmineError)
        if kind.__module__ == errors.__name__
    ]
    for place, (indent, name, _) in enumerate(drawn[1:], start=1):
        parent = next(above for depth, above, _ in reversed(drawn[:place]) if depth < indent)
        assert getattr(errors, name).__base__.__name__ == parent
