"""Golden texts: inputs of our own beside what is expected of them, one JSON file per function in tests/golden.

A golden that must change is a new version of what it describes: for `clean`, a new CLEAN_VERSION.
"""

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "golden"


def golden(name: str) -> Any:
    """A test's parameters (text, expected), one for each case of the file, named by what the case shows."""
    cases = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return pytest.mark.parametrize(
        ("text", "expected"),
        [pytest.param(case["text"], case["expected"], id=case["shows"]) for case in cases],
    )
