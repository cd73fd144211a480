"""Intervals: sums and quotients stay around what they are made from."""

import pytest

from reviewmine.backfill.interval import NOTHING, Interval, total


def test_a_share_of_more_than_all_does_not_go_below_nothing():
    assert Interval.around(10, 1.5) == (0, 10, 25)
    assert Interval.around(10, 0.1) == (9, 10, 11)


def test_a_quotient_is_widest_where_its_parts_are():
    tokens, per_s = Interval(90, 100, 110), Interval(5, 10, 20)
    assert tokens.over(per_s) == (4.5, 10, 22)


def test_products_and_sums_keep_their_order():
    assert Interval(1, 2, 3).times(Interval(2, 2, 4)) == (2, 4, 12)
    assert Interval(1, 2, 3).times(2) == (2, 4, 6)
    assert total([Interval(1, 2, 3), Interval(1, 1, 1)]) == (2, 3, 4)
    assert total([]) == NOTHING


@pytest.mark.parametrize(("found", "holds"), [(1, True), (3, True), (0.9, False), (3.1, False)])
def test_an_interval_holds_what_lies_between_its_ends(found, holds):
    assert Interval(1, 2, 3).holds(found) is holds
