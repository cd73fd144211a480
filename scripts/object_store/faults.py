"""Faults: what may go wrong between a program and its object store, by which rule, and when; seeded, so replayable."""

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from types import MappingProxyType

ANSWERS = MappingProxyType(
    {
        "slow_down": (503, "SlowDown"),
        "internal_error": (500, "InternalError"),
        "forbidden": (403, "AccessDenied"),
        "expired": (400, "ExpiredToken"),
        "clock_skew": (403, "RequestTimeTooSkewed"),
    }
)
"""Faults that are an answer in the store's place: its status and its code. The store does not see the request."""
BREAKS = ("reset", "cut_request", "cut_reply", "lost_reply")
"""Nothing is sent on; half of the body is; half of the reply comes back; all is done and no reply comes back."""
OTHERS = ("delay", "stale_list")
FAULTS = (*ANSWERS, *BREAKS, *OTHERS)
OPERATIONS = ("GET", "HEAD", "LIST", "PUT", "COPY", "DELETE", "POST")
"""HTTP's methods, but that a GET of a bucket is LIST (of `bucket/prefix`), and a PUT that names a source is COPY."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One fault, and the requests that it befalls: those of `operation` whose `bucket/key` matches `key`.

    Of these the first `skip` pass; of the others each is struck with probability `share`, `times` of them at most
    (0: without end). `seconds` is how long a delay takes; `behind` how many changes a stale listing does not show.
    """

    fault: str
    operation: str = "*"
    key: str = "*"
    share: float = 1.0
    skip: int = 0
    times: int = 0
    seconds: float = 1.0
    behind: int = 1000

    def __post_init__(self) -> None:
        if self.fault not in FAULTS:
            raise ValueError(f"fault={self.fault}: expected one of {', '.join(FAULTS)}")
        if self.operation not in ("*", *OPERATIONS):
            raise ValueError(f"operation={self.operation}: expected * or one of {', '.join(OPERATIONS)}")
        if not 0 <= self.share <= 1:
            raise ValueError(f"share={self.share}: expected 0 to 1")

    @classmethod
    def parse(cls, written: str) -> "Rule":
        """`fault=slow_down,operation=PUT,key=*/journal/*,share=0.1,times=3`; raises ValueError."""
        kinds = {field.name: field.type for field in fields(cls)}
        values: dict[str, object] = {}
        for pair in written.split(","):
            name, _, value = pair.partition("=")
            if name not in kinds:
                raise ValueError(f"rule {written!r}: found {name!r}, expected {', '.join(kinds)}")
            kind = kinds[name]
            values[name] = kind(value) if isinstance(kind, type) else value
        if "fault" not in values:
            raise ValueError(f"rule {written!r}: names no fault; expected fault=, one of {', '.join(FAULTS)}")
        return cls(**values)  # type: ignore[arg-type]

    def matches(self, operation: str, name: str) -> bool:
        if self.fault == "stale_list" and operation != "LIST":
            return False
        return self.operation in ("*", operation) and fnmatchcase(name, self.key)


@dataclass(frozen=True)
class Struck:
    """A request that a fault befell: the how-manieth request it was, from 0, what it asked for, and the rule."""

    number: int
    operation: str
    name: str
    rule: Rule


class Schedule:
    """Rules at work. The same requests in the same order meet the same faults for the same seed.

    Each rule throws its own dice for the requests that match it, so that requests it does not match change nothing.
    """

    def __init__(self, rules: Sequence[Rule] = (), *, seed: int = 0) -> None:
        self._rules = tuple(rules)
        self._dice = [random.Random(f"{seed}/{number}") for number in range(len(self._rules))]
        self._num_matched = [0] * len(self._rules)
        self._num_struck = [0] * len(self._rules)
        self._num_requests = 0
        self._lock = threading.Lock()
        self.struck: list[Struck] = []

    @property
    def num_requests(self) -> int:
        return self._num_requests

    def next(self, operation: str, name: str) -> Rule | None:
        """The rule that befalls this request, if any; the first of several. `name` is `bucket/key`."""
        with self._lock:
            number, self._num_requests = self._num_requests, self._num_requests + 1
            for at, rule in enumerate(self._rules):
                if rule.matches(operation, name) and self._strikes(at, rule):
                    self._num_struck[at] += 1
                    self.struck.append(Struck(number, operation, name, rule))
                    return rule
        return None

    def _strikes(self, at: int, rule: Rule) -> bool:
        self._num_matched[at] += 1
        if self._num_matched[at] <= rule.skip or (rule.times and self._num_struck[at] >= rule.times):
            return False
        return self._dice[at].random() < rule.share
