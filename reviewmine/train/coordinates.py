"""The picture of a search: an axis for each field that was searched, one for its metric, a line for each trial."""

import io
import itertools
import math
import textwrap
from collections.abc import Sequence
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Curve
from matplotlib.patheffects import withStroke

from reviewmine.train.search import SearchSettings, Span
from reviewmine.train.trials import Trial, best_of, ranked, shown

Ticks = list[tuple[float, str]]

_INK: Final = "#333333"
_FAINT: Final = "#a8a297"
_BEST: Final = "#c2502e"
_COLOURS: Final = mpl.colormaps["YlGnBu"]
_PALEST: Final = 0.25
_SHIFTS: Final = (0.0, 0.014, -0.014, 0.028, -0.028)
"""By how much lines that meet at one choice are moved apart."""
_FEW: Final = 20
_TICKS: Final = 5
_LABEL_WIDTH: Final = 22
_LEGEND: Final = "darker is better; orange: the best; grey and broken off: no figure"


def coordinates_png(trials: Sequence[Trial], search: SearchSettings, *, title: str) -> bytes:
    """Parallel coordinates of the trials: the better one is, the darker its line; the best has a colour of its own.

    A trial without a value ends before the last axis, in grey. Choices stand apart alike, in the order of the search
    file; numbers of a range where the range has them, on a logarithmic axis if they are drawn so.
    """
    axes = [_Axis(name, search) for name in search.space]
    values = [one.value for one in trials if one.value is not None]
    scale = _Scale(min(values, default=0.0), max(values, default=1.0))
    figure = Figure(figsize=(max(7.5, 2.2 * (len(axes) + 1)), 5.2), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    plot = figure.add_axes((0.07, 0.07, 0.86, 0.69))
    best = best_of(trials, search)
    for number, one in enumerate(reversed(ranked(trials, search))):
        heights = [axis.height(one.values[axis.name], _SHIFTS[number % len(_SHIFTS)]) for axis in axes]
        if one.value is not None:
            heights.append(scale.height(one.value))
        merit = heights[-1] if search.aim == "max" else 1 - heights[-1]
        _draw_line(plot, heights, has_value=one.value is not None, merit=merit, is_best=one is best)
    for place, axis in enumerate(axes):
        _draw_axis(plot, place, axis.name, axis.ticks())
    _draw_axis(plot, len(axes), search.metric, scale.ticks())
    plot.set_xlim(-0.2, len(axes) + 0.35)
    plot.set_ylim(-0.05, 1.05)
    plot.set_axis_off()
    figure.text(0.03, 0.945, title, color=_INK, fontsize=12, fontweight="bold", parse_math=False)
    figure.text(0.03, 0.905, _LEGEND, color=_INK, fontsize=9)
    png = io.BytesIO()
    figure.savefig(png, format="png", metadata={"Software": None})
    return png.getvalue()


class _Axis:
    """Where the values of one field stand, from 0 at the foot to 1 at the top."""

    def __init__(self, name: str, search: SearchSettings) -> None:
        self.name = name
        self._domain = search.space[name]

    def height(self, value: Any, shift: float) -> float:
        """The height of a value; where lines meet at one it is moved by `shift`, so that they can be told apart."""
        if isinstance(self._domain, Span):
            few = self._domain.is_whole and self._domain.high - self._domain.low < _FEW
            return self._share(value, self._domain) + (shift if few else 0.0)
        return self._step(list(self._domain).index(value)) + shift

    def ticks(self) -> Ticks:
        """(height, label) of what stands beside the axis."""
        if not isinstance(self._domain, Span):
            return [(self._step(number), shown(one)) for number, one in enumerate(self._domain)]
        span, ticks = self._domain, []
        for number in range(_TICKS):
            share = number / (_TICKS - 1)
            if span.log:
                value = span.low * (span.high / span.low) ** share
            else:
                value = span.low + share * (span.high - span.low)
            value = round(value) if span.is_whole else value
            tick = (self._share(value, span), shown(value) if span.is_whole else f"{value:.2g}")
            if tick not in ticks:
                ticks.append(tick)
        return ticks

    def _step(self, number: int) -> float:
        last = len(self._domain) - 1 if not isinstance(self._domain, Span) else 1
        return 0.5 if last == 0 else number / last

    @staticmethod
    def _share(value: float, span: Span) -> float:
        if span.log:
            return math.log(value / span.low) / math.log(span.high / span.low)
        return (value - span.low) / (span.high - span.low)


class _Scale:
    """Where the values of the metric stand; one alone in the middle."""

    def __init__(self, low: float, high: float) -> None:
        self._low, self._high = low, high

    def height(self, value: float) -> float:
        width = self._high - self._low
        return (value - self._low) / width if width else 0.5

    def ticks(self) -> Ticks:
        if self._low == self._high:
            return [(0.5, f"{self._low:.3f}")]
        steps = [number / (_TICKS - 1) for number in range(_TICKS)]
        return [(share, f"{self._low + share * (self._high - self._low):.3f}") for share in steps]


def _draw_line(plot: Axes, heights: Sequence[float], *, has_value: bool, merit: float, is_best: bool) -> None:
    """A line through heights at 0, 1, 2 and so on, level where it meets an axis."""
    points, codes = [(0.0, heights[0])], [Curve.MOVETO]
    for place, (before, after) in enumerate(itertools.pairwise(heights)):
        points += [(place + 0.42, before), (place + 0.58, after), (place + 1.0, after)]
        codes += [Curve.CURVE4] * 3
    if is_best:
        style: dict[str, Any] = {"edgecolor": _BEST, "linewidth": 3.0, "zorder": 5}
    elif has_value:
        colour = _COLOURS(_PALEST + (1 - _PALEST) * merit)
        style = {"edgecolor": colour, "linewidth": 1.7, "alpha": 0.9, "zorder": 3}
    else:
        style = {"edgecolor": _FAINT, "linewidth": 1.2, "linestyle": (0, (4, 3)), "zorder": 2}
    plot.add_patch(PathPatch(Curve(points, codes), facecolor="none", capstyle="round", **style))
    if not has_value:
        plot.plot(len(heights) - 1, heights[-1], marker="x", markersize=6, color=_FAINT, zorder=6)


def _draw_axis(plot: Axes, place: int, name: str, ticks: Ticks) -> None:
    plot.plot([place, place], [-0.03, 1.03], color=_INK, linewidth=1.0, zorder=4)
    *table, key = name.rsplit(".", 1)
    heading = f"{table[0]}.\n{key}" if table else key
    plot.text(place, 1.07, heading, ha="center", va="bottom", color=_INK, fontsize=9.5, parse_math=False)
    for height, label in ticks:
        plot.plot([place - 0.02, place], [height, height], color=_INK, linewidth=1.0, zorder=4)
        plot.text(
            place + 0.02, height + 0.018, textwrap.fill(label, _LABEL_WIDTH), va="bottom", color=_INK, fontsize=8.5,
            zorder=7, parse_math=False, path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )  # fmt: skip
