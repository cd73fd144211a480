"""Gates: the least a checkpoint has to reach before it is promoted, in a file that a team reviews like any other.

A gate never passes by silence: a metric, slice or comparison that it names and an evaluation does not have is an error.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BeforeValidator, Field, model_validator

from reviewmine.config import RunModel, suggestion
from reviewmine.errors import ConfigError, GateError

Kind = Literal["at least", "at most", "a loss of at most"]

LESS_IS_BETTER: Final = frozenset({"calibration_error", "mae"})
"""Of the compared metrics, by the last part of their names."""


def _flat(bounds: Any) -> Any:
    """TOML reads `polarity.macro_f1 = 0.6` as tables in tables; a bound has one dotted name, quoted or not."""
    return dict(_leaves(bounds)) if isinstance(bounds, Mapping) else bounds


Bound = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Bounds = Annotated[dict[str, Bound], BeforeValidator(_flat)]


class SliceGate(RunModel):
    """Bounds for one slice, or for every slice of a slicing that has rows enough."""

    by: str
    """The slicing: language, length, rating, emoji, negation, typos, or a column given with --slice-by."""
    value: str | None = None
    """The slice, however few rows it has; without it every slice that is not marked as small."""
    minimum: Bounds = Field(default_factory=dict)
    maximum: Bounds = Field(default_factory=dict)


class Gate(RunModel):
    """The file that `reviewmine evaluate --gate` reads: bounds by the dotted name of a metric in metrics.json."""

    minimum: Bounds = Field(default_factory=dict)
    maximum: Bounds = Field(default_factory=dict)
    slices: tuple[SliceGate, ...] = ()
    max_loss: Bounds = Field(default_factory=dict)
    """How much worse than the checkpoint given with --against each compared metric may be."""

    @model_validator(mode="after")
    def _asks_for_something(self) -> "Gate":
        bounded = [bool(one.minimum or one.maximum) for one in self.slices]
        if not all(bounded) or not (bounded or self.minimum or self.maximum or self.max_loss):
            raise ValueError("a gate without any bound lets everything through; give minimum or maximum")
        return self


class Check(NamedTuple):
    """One bound of a gate and what an evaluation has to set against it; None where a metric is undefined."""

    metric: str
    found: float | None
    kind: Kind
    bound: float
    passed: bool

    def __str__(self) -> str:
        found = "nothing: it is undefined on these rows" if self.found is None else f"{self.found:.4f}"
        return f"{self.metric}: found {found}, expected {self.kind} {self.bound:g}"


def checked(gate: Gate, metrics: Mapping[str, Any]) -> list[Check]:
    """Every bound of `gate` held against the metrics of an evaluation, as they are written to metrics.json.

    Raises ConfigError for a metric, slicing, slice or comparison that the evaluation does not have.
    """
    checks = list(_bounded(gate.minimum, gate.maximum, metrics))
    for one in gate.slices:
        for value in _values(one, metrics.get("slices", {})):
            place = ("slices", one.by, value)
            checks += _bounded(one.minimum, one.maximum, metrics["slices"][one.by][value], place)
    if "against" not in metrics:
        refuse_without_reference(gate)
    for name, bound in gate.max_loss.items():
        differences = {
            metric.removesuffix(".difference"): difference
            for metric, difference in _figures(metrics["against"]).items()
            if metric.endswith(".difference")
        }
        worse = 1 if name.rpartition(".")[2] in LESS_IS_BETTER else -1
        loss = worse * float(_lookup(name, differences, "gate: max_loss"))
        checks.append(Check(f"against.{name}", loss, "a loss of at most", bound, loss <= bound))
    return checks


def refuse_without_reference(gate: Gate) -> None:
    """Raise ConfigError for a gate that asks for a comparison where there is no other checkpoint."""
    if gate.max_loss:
        raise ConfigError(
            "gate: max_loss: found nothing to compare with, expected another checkpoint; give --against"
        )


def hold(checks: list[Check]) -> None:
    """Raise GateError that names every check that did not pass."""
    if failed := [str(check) for check in checks if not check.passed]:
        raise GateError("\n  ".join([f"gate: {len(failed)} of {len(checks)} bounds are not met", *failed]))


def _bounded(
    minimum: Mapping[str, float],
    maximum: Mapping[str, float],
    metrics: Mapping[str, Any],
    place: tuple[str, ...] = (),
) -> Iterator[Check]:
    known = _figures(metrics)
    for name, bound in minimum.items():
        found = _lookup(name, known, ".".join(("gate: minimum", *place)))
        yield Check(".".join((*place, name)), found, "at least", bound, found is not None and found >= bound)
    for name, bound in maximum.items():
        found = _lookup(name, known, ".".join(("gate: maximum", *place)))
        yield Check(".".join((*place, name)), found, "at most", bound, found is not None and found <= bound)


def _values(one: SliceGate, slices: Mapping[str, Any]) -> list[str]:
    """The slices that one part of a gate judges; ConfigError if there are none."""
    where = f"gate: slices by {one.by}"
    slicing = _lookup(one.by, slices, "gate: slices: by")
    if one.value is not None:
        _lookup(one.value, slicing, where)
        return [one.value]
    large = [value for value, found in slicing.items() if not found["small"]]
    if not large:
        raise ConfigError(
            f"{where}: found {len(slicing)} slices, all of them small, expected one with rows enough; "
            "name a `value`, or evaluate on more rows"
        )
    return large


def _lookup(name: str, known: Mapping[str, Any], where: str) -> Any:
    if name not in known:
        raise ConfigError(f"{where}: found no '{name}' in this evaluation; {suggestion(name, known)}")
    return known[name]


def _figures(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    """The metrics that can be bounded, by dotted name: numbers, and what is undefined."""
    return {
        name: value
        for name, value in _leaves(metrics)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    }


def _leaves(tree: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted name, value) of everything in tables in tables that is not a table itself."""
    for key, value in tree.items():
        name = f"{place}.{key}" if place else str(key)
        if isinstance(value, Mapping):
            yield from _leaves(value, name)
        else:
            yield name, value
