"""Rules and schedules: what is struck, how often, and that the same dice fall again."""

import pytest
from faults import Rule, Schedule

REQUESTS = [("PUT", f"bucket/journal/{number}") for number in range(200)]


def struck(schedule: Schedule, requests=REQUESTS) -> list[int]:
    return [number for number, request in enumerate(requests) if schedule.next(*request)]


def test_the_same_seed_strikes_the_same_requests_and_another_seed_others():
    rule = Rule(fault="reset", share=0.2)
    first, again, other = (struck(Schedule([rule], seed=seed)) for seed in (7, 7, 8))
    assert first == again != other
    assert 20 < len(first) < 60


def test_requests_that_a_rule_does_not_match_change_nothing_for_those_it_does():
    rule = Rule(fault="reset", operation="PUT", share=0.3)
    plain = [REQUESTS[number] for number in struck(Schedule([rule], seed=1))]
    mixed = [request for put in REQUESTS for request in (("GET", "bucket/a"), put)]
    schedule = Schedule([rule], seed=1)
    struck(schedule, mixed)
    assert [(s.operation, s.name) for s in schedule.struck] == plain


def test_a_rule_strikes_only_its_operation_and_its_keys():
    rule = Rule(fault="reset", operation="PUT", key="bucket/*/live/*")
    schedule = Schedule([rule])
    assert schedule.next("PUT", "bucket/meta/live/all.json") == rule
    assert schedule.next("GET", "bucket/meta/live/all.json") is None
    assert schedule.next("PUT", "bucket/meta/journal/all.json") is None


def test_a_rule_lets_some_pass_and_ends_after_its_times():
    assert struck(Schedule([Rule(fault="reset", skip=5, times=3)])) == [5, 6, 7]


def test_the_first_of_several_rules_holds_and_what_was_struck_is_kept():
    slow, broken = Rule(fault="slow_down", times=1), Rule(fault="reset", times=1)
    schedule = Schedule([slow, broken])
    assert struck(schedule) == [0, 1]
    assert [(s.number, s.name, s.rule) for s in schedule.struck] == [
        (0, "bucket/journal/0", slow),
        (1, "bucket/journal/1", broken),
    ]


def test_only_listings_can_be_stale():
    schedule = Schedule([Rule(fault="stale_list")])
    assert schedule.next("GET", "bucket/a") is None
    assert schedule.next("LIST", "bucket/")


def test_a_rule_is_read_as_it_is_written_on_the_command_line():
    written = "fault=slow_down,operation=PUT,key=*/journal/*,share=0.1,times=3"
    assert Rule.parse(written) == Rule(
        fault="slow_down", operation="PUT", key="*/journal/*", share=0.1, times=3
    )


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("fault=slow", "fault=slow: expected one of slow_down"),
        ("operation=PUT", "names no fault"),
        ("fault=reset,sahre=0.1", "found 'sahre', expected fault, operation"),
        ("fault=reset,operation=put", "operation=put: expected"),
        ("fault=reset,share=2", "share=2.0: expected 0 to 1"),
        ("fault=reset,times=many", "invalid literal"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_with_what_was_expected(written, told):
    with pytest.raises(ValueError, match=told):
        Rule.parse(written)
