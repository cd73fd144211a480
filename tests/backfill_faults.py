"""A backfill through faults of its object store, by seeded rules: which befall which requests follows from the seed."""

import random
from collections.abc import Sequence
from typing import Final

from disturbed import LIMIT_S, Disturbed, Driver
from fault_proxy import FaultProxy
from faults import Rule

PER_CASE = 6
LASTING = 40
"""So many faults in a row outlast every retry."""
BRIEF = 2
_BROAD = ("PUT", "COPY", "GET", "HEAD", "DELETE", "LIST")
_OPERATIONS: Final[dict[str, tuple[str, ...]]] = {
    "slow_down": _BROAD,
    "internal_error": _BROAD,
    "forbidden": _BROAD,
    "reset": _BROAD,
    "cut_request": ("PUT",),
    "cut_reply": ("GET", "LIST"),
    "lost_reply": ("PUT", "COPY", "DELETE"),
    "delay": _BROAD,
    "stale_list": ("LIST",),
}
FAULTS = tuple(_OPERATIONS)
_NUM_REQUESTS: Final = {"PUT": 60, "COPY": 15, "GET": 100, "HEAD": 40, "DELETE": 10, "LIST": 6}
"""About as many as a run makes at the least."""
_MAX_RUNS = 4


def rules_of(seed: int) -> tuple[Rule, ...]:
    """Six faults of different kinds, one of them lasting; every kind comes up as often as any other."""
    kinds = [FAULTS[(seed * PER_CASE + number) % len(FAULTS)] for number in range(PER_CASE)]
    chance = random.Random(seed)
    lasting = chance.randrange(PER_CASE)
    made = []
    for number, fault in enumerate(kinds):
        operation = chance.choice(_OPERATIONS[fault])
        made.append(
            Rule(
                fault=fault,
                operation=operation,
                key="*/table*" if fault == "stale_list" else "*",  # of an archive a listing is all there is
                skip=chance.randrange(_NUM_REQUESTS[operation] // 2),
                times=LASTING if number == lasting and fault != "delay" else BRIEF,
                seconds=round(chance.uniform(0.5, 3.0), 1),
                behind=chance.randrange(1, 40),
            )
        )
    return tuple(made)


def run_through(case: Disturbed, proxy: FaultProxy, rules: Sequence[Rule], seed: int) -> list[Rule]:
    """Run the case until every rule has struck, or a run is through, and once more without; the rules that struck."""
    struck: list[Rule] = []
    for _ in range(_MAX_RUNS):
        left = [rule for rule in rules if rule not in struck]
        met: list[Rule] = []

        def disturb(driver: Driver, left: list[Rule] = left, met: list[Rule] = met) -> None:
            proxy.follow(left, seed=seed)
            try:
                driver.wait(LIMIT_S)
            finally:
                met += [one.rule for one in proxy.struck]
                proxy.follow([])

        code = case.run(disturb)
        struck += [rule for rule in left if rule in met]
        if code and not met:
            case.broken.append(f"a run ended with exit code {code} though no fault befell it")
        if code == 0 or len(struck) == len(rules):
            break
    case.end()
    return struck
