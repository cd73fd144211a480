"""scripts/bench/tuning-modes: which ways it trains for what it is told."""

import sys
from argparse import ArgumentTypeError
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "scripts" / "bench"))

from tuning_modes import WAYS, named_ways


def test_all_the_ways_are_trained_where_none_is_named() -> None:
    assert named_ways(",".join(WAYS)) == list(WAYS)


def test_some_are_trained_by_name_and_a_name_of_none_is_refused() -> None:
    assert named_ways("full with layer decay .8, heads") == ["full with layer decay .8", "heads"]
    with pytest.raises(ArgumentTypeError, match="no way is called 'layer decay'; expected some of heads"):
        named_ways("heads,layer decay")
