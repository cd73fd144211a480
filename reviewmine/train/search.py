"""Searches: which values of which fields of a run file to try, in what order, and when to give a trial up.

A field is named by its path in the run file, `tuning.rank`; a set of examples by its name, `examples.sets.own.weight`.
"""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, StrictFloat, StrictInt, ValidationError, model_validator

from reviewmine.config import RunModel, suggestion
from reviewmine.errors import ConfigError
from reviewmine.train.settings import lower_is_better
from reviewmine.train.varied import VariedRun, misfit

Mode = Literal["max", "min"]
_BETWEEN: Final = 0.382
"""Where between its ends a range is tried: no whole number lies there by chance."""


class Span(RunModel):
    """Numbers from `low` to `high`, whole ones if both ends are, drawn alike in size or, if `log`, in magnitude."""

    low: StrictInt | StrictFloat
    high: StrictInt | StrictFloat
    log: bool = False

    @model_validator(mode="after")
    def _is_a_range(self) -> "Span":
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"low {self.low:g}, high {self.high:g}: expected low below high")
        if self.log and self.low <= 0:
            raise ValueError(f"low {self.low:g}: expected more than 0 where `log` is true")
        return self

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers are drawn."""
        return isinstance(self.low, int) and isinstance(self.high, int)


Choices = tuple[Any, ...]
Domain = Span | Choices


def _flat(space: Any) -> Any:
    """TOML reads `tuning.rank = [8, 16]` as tables in tables; a field has one dotted name, quoted or not."""
    return dict(_domains(space)) if isinstance(space, Mapping) else space


def _domains(tables: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Domain]]:
    for key, value in tables.items():
        name = f"{place}.{key}" if place else str(key)
        if isinstance(value, Span):
            yield name, value
        elif isinstance(value, list | tuple):
            if not value:
                raise ValueError(f"{name}: found an empty list, expected values to choose from")
            yield name, tuple(value)
        elif not isinstance(value, Mapping):
            raise ValueError(
                f"{name}: found {value!r}, expected a list of values, or {{ low = ..., high = ... }}"
            )
        elif {"low", "high"} & value.keys():
            yield name, _span(name, value)
        else:
            yield from _domains(value, name)


def _span(name: str, value: Mapping[str, Any]) -> Span:
    try:
        return Span.model_validate(value)
    except ValidationError as invalid:
        fault = invalid.errors()[0]
        key = ".".join((name, *(str(part) for part in fault["loc"][:1])))
        raise ValueError(f"{key}: {fault['msg']}, found {fault['input']!r}") from None


class Asha(RunModel):
    """Asynchronous successive halving (Li et al., MLSys 2020): trials that fall behind are stopped early.

    Trials are compared at the same share of their steps: at `grace` first, then each time that share has grown
    `reduction`-fold. Only the best of each `reduction` that came so far go on.
    """

    grace: float = Field(default=0.25, gt=0, le=0.9)
    reduction: float = Field(default=3.0, gt=1)


class SearchSettings(RunModel):
    """The file that `reviewmine tune --search` reads."""

    algorithm: Literal["grid", "random", "bayesian"] = "random"
    """Every combination; values drawn at random; or drawn where earlier trials were good (Optuna's TPE)."""
    metric: str
    """The figure of validation that trials are compared by, such as polarity_macro_f1."""
    mode: Mode | None = None
    """Whether more of it is better; None: as its name says, less for errors and losses, more for all else."""
    trials: int | None = Field(default=None, ge=1)
    """How many to run; a grid has as many as there are combinations."""
    seed: int = 7
    asha: Asha | None = None
    space: Annotated[dict[str, Domain], BeforeValidator(_flat)] = Field(min_length=1)

    @property
    def aim(self) -> Mode:
        """The mode, decided."""
        return self.mode or ("min" if lower_is_better(self.metric) else "max")

    @property
    def num_trials(self) -> int:
        """How many trials there will be."""
        if self.trials is not None:
            return self.trials
        return math.prod(len(one) for one in self.space.values() if not isinstance(one, Span))

    @model_validator(mode="after")
    def _counts_its_trials(self) -> "SearchSettings":
        if self.algorithm != "grid" and self.trials is None:
            raise ValueError(
                f"trials: expected how many to run, as algorithm {self.algorithm} has no end of its own"
            )
        if self.algorithm == "grid" and self.trials is not None:
            raise ValueError("trials: a grid runs every combination; take it out, or choose algorithm random")
        spans = [name for name, domain in self.space.items() if isinstance(domain, Span)]
        if self.algorithm == "grid" and spans:
            raise ValueError(
                f"space.{spans[0]}: found a range, expected a list of values, as algorithm is grid"
            )
        return self

    @model_validator(mode="after")
    def _searches_each_field_once(self) -> "SearchSettings":
        for name in self.space:
            if inside := [other for other in self.space if other.startswith(f"{name}.")]:
                raise ValueError(f"space: {inside[0]} lies inside {name}; search one of the two")
        return self

    def told(self, name: str, value: Any) -> Any:
        """A value of a field as a search algorithm is told it: a number of a range, or a choice as JSON."""
        return value if isinstance(self.space[name], Span) else json.dumps(value, sort_keys=True)

    def chosen(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """The values of all fields, by name, that a search algorithm chose from what it was told."""
        return {
            name: told[name] if isinstance(domain, Span) else json.loads(told[name])
            for name, domain in self.space.items()
        }


def check_search(search: SearchSettings, base: VariedRun, *, where: str) -> None:
    """Raise ConfigError if a field or value of the search is none of a run file like `base`, or its metric none of it.

    Each value is tried alone. What two fields must have in common is found out by the trials that break it.
    """
    for name, domain in search.space.items():
        for value in _tried(domain):
            if fault := misfit(base, name, value):
                raise ConfigError(f"{where}: space: {fault.removeprefix(f'{base.where}: ')}")
    if search.metric not in base.run.metrics:
        raise ConfigError(
            f"{where}: metric: validation gives no '{search.metric}' of the heads of {base.where}; "
            f"{suggestion(search.metric, base.run.metrics)}"
        )
    loop = base.run.loop
    validates_once = loop.epochs == 1 and loop.validate_steps is None
    if search.asha and validates_once and not {"loop.epochs", "loop.validate_steps"} & search.space.keys():
        raise ConfigError(
            f"{where}: asha: found trials that are validated at their end alone, too late to stop them early; set "
            f"loop.validate_steps or more loop.epochs in {base.where}, or take [asha] out"
        )


def _tried(domain: Domain) -> Choices:
    """The values of a domain that have to fit: all choices, or the ends of a range and a number between them."""
    if not isinstance(domain, Span):
        return domain
    between = domain.low + _BETWEEN * (domain.high - domain.low)
    return (domain.low, domain.high, round(between) if domain.is_whole else between)
