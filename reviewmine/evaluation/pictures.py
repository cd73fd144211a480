"""Pictures of an evaluation as SVG to put into a page, drawn by matplotlib in colours that the page's theme decides."""

import io
import re
import zlib
from collections.abc import Sequence
from typing import Any, Final, Literal

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve, roc_curve

from reviewmine.evaluation.metrics import Floats
from reviewmine.evaluation.reliability import CALIBRATION_BINS, Reliability

# Each is replaced by a variable of the page's style sheet, which has a value for light and one for dark.
_INK: Final = "#010101"
_STRONG_INK: Final = "#0a0a0a"
_FAINT: Final = "#020202"
_PAPER: Final = "#030303"
_SERIES: Final = tuple(f"#0{n}0{n}0{n}" for n in range(4, 10))
_VARIABLES: Final = {
    _INK: "--ink-soft",
    _STRONG_INK: "--ink",
    _FAINT: "--line",
    _PAPER: "--paper",
    **{colour: f"--series-{n}" for n, colour in enumerate(_SERIES)},
}
_GLOBAL_STYLE: Final = re.compile(r"<defs>\s*<style[^>]*>[^<]*</style>\s*</defs>")
"""Inside a page it would hold for all of it."""
_STROKES: Final = ("-", "--", ":", "-.")
_MOST_POINTS: Final = 160
_STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": ["sans-serif"],
    "font.size": 11,
    "text.color": _INK,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.grid": True,
    "grid.color": _FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "legend.frameon": False,
}


def confusion_picture(confusion: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    """Counts [true, found] as a square of cells, each shaded by its share of the rows of its true class."""
    counts = np.asarray(confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with mpl.rc_context(_STYLE):
        figure, axes = _canvas(5.2, 0.9 + 1.15 * len(names))
        for (row, column), share in np.ndenumerate(shares):
            axes.fill_between(
                [column - 0.48, column + 0.48],
                row - 0.48,
                row + 0.48,
                color=_SERIES[0],
                alpha=0.06 + 0.5 * share,
                linewidth=0,
            )
            axes.text(
                column,
                row,
                f"{share:.0%}\n{counts[row, column]:,} rows",
                ha="center",
                va="center",
                linespacing=1.4,
                color=_STRONG_INK,
            )
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.set_xticks(range(len(names)), names)
        axes.set_yticks(range(len(names)), names, rotation=90, va="center")
        axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5))
        axes.set(xlabel="what the checkpoint says", ylabel="what the label says")
        return _svg(figure, "confusion")


def roc_picture(labels: Floats, probabilities: Floats, names: Sequence[str]) -> str:
    """The ROC curve of each class against the rest; classes of all rows or none are left out."""
    with mpl.rc_context(_STYLE):
        figure, axes = _canvas(5.2, 4.6)
        axes.plot([0, 1], [0, 1], color=_FAINT, linewidth=1)
        for number in _told_apart(labels, names):
            wrong, found, _ = roc_curve(labels == number, probabilities[:, number])
            axes.plot(*_thinned(wrong, found), label=names[number], **_stroke(number))
        axes.set(xlabel="share of the others taken for it", ylabel="share of the class found")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04))
        _legend(axes, "lower right")
        return _svg(figure, "roc")


def precision_recall_picture(labels: Floats, probabilities: Floats, names: Sequence[str]) -> str:
    """Precision against recall of each class; classes of all rows or none are left out."""
    with mpl.rc_context(_STYLE):
        figure, axes = _canvas(5.2, 4.6)
        for number in _told_apart(labels, names):
            precision, recall, _ = precision_recall_curve(labels == number, probabilities[:, number])
            axes.plot(*_thinned(recall, precision), label=names[number], **_stroke(number))
        axes.set(xlabel="share of the class found (recall)", ylabel="share of it right (precision)")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04))
        _legend(axes, "lower left")
        return _svg(figure, "precision-recall")


def reliability_picture(after: Reliability, before: Reliability) -> str:
    """How often answers were right against how sure they were, calibrated and before; below, how many were so sure."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(5.2, 5.4), layout="constrained")
        FigureCanvasSVG(figure)
        axes, counts = figure.subplots(2, 1, sharex=True, height_ratios=[3.4, 1])
        axes.plot([0, 1], [0, 1], color=_INK, linewidth=1, linestyle=":")
        for found, colour, stroke, name in (
            (before, _SERIES[1], "--", "before calibration"),
            (after, _SERIES[0], "-", "as it answers"),
        ):
            filled = found.rows > 0
            axes.plot(
                found.confidence[filled], found.accuracy[filled],
                color=colour, linestyle=stroke, marker="o", markersize=4, linewidth=1.6, label=name,
            )  # fmt: skip
        axes.set(ylabel="share that was right", ylim=(0, 1.03), xlim=(0, 1.02))
        axes.legend(loc="upper left")
        edges = np.arange(CALIBRATION_BINS) / CALIBRATION_BINS
        counts.bar(edges, after.rows, width=0.9 / CALIBRATION_BINS, align="edge", color=_SERIES[0], alpha=0.6)
        counts.set(xlabel="how sure the checkpoint was", ylabel="rows")
        return _svg(figure, "reliability")


def stars_picture(ratings: Floats, numbers: Floats, name: str) -> str:
    """What a head of numbers in [0, 1] answers by star rating: the middle half of the answers, and their median."""
    with mpl.rc_context(_STYLE):
        figure, axes = _canvas(5.2, 3.9)
        whole = np.round(ratings)
        stars = [star for star in range(1, 6) if (whole == star).any()]
        axes.boxplot(
            [numbers[whole == star] for star in stars],
            positions=stars,
            widths=0.55,
            whis=(5, 95),
            showfliers=False,
            patch_artist=True,
            boxprops={"facecolor": _SERIES[0], "alpha": 0.45, "edgecolor": _SERIES[0]},
            medianprops={"color": _INK, "linewidth": 2},
            whiskerprops={"color": _SERIES[0]},
            capprops={"color": _SERIES[0]},
        )
        axes.set_xticks(stars, [f"{star} ★\n{int((whole == star).sum()):,} rows" for star in stars])
        axes.set(ylim=(-0.03, 1.03), ylabel=f"{name}, 0 to 1")
        axes.grid(visible=False, axis="x")
        return _svg(figure, "stars")


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    return figure, figure.subplots()


def _told_apart(labels: Floats, names: Sequence[str]) -> list[int]:
    """The numbers of the classes that some rows have and others have not."""
    shares = [float((labels == number).mean()) for number in range(len(names))]
    return [number for number, share in enumerate(shares) if 0 < share < 1]


def _legend(axes: Axes, place: Literal["lower left", "lower right"]) -> None:
    """A legend, where anything is drawn that has a name."""
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc=place)


def _stroke(number: int) -> dict[str, Any]:
    """How the curve of a class looks, told apart by colour and, for those who see none, by its stroke."""
    return {
        "color": _SERIES[number % len(_SERIES)],
        "linestyle": _STROKES[number % len(_STROKES)],
        "linewidth": 1.8,
    }


def _thinned(*columns: npt.NDArray[np.float64]) -> list[npt.NDArray[np.float64]]:
    """At most _MOST_POINTS points of a curve, evenly along it, its ends among them: pages stay small."""
    steps = sum(np.abs(np.diff(column, prepend=column[:1])) for column in columns)
    along = np.cumsum(steps)
    rows = np.unique(np.searchsorted(along, np.linspace(0, along[-1], _MOST_POINTS)))
    rows = np.append(np.minimum(rows, len(along) - 1), len(along) - 1)
    return [column[rows] for column in columns]


def _svg(figure: Figure, name: str) -> str:
    """The figure as an <svg> element whose ids are its own and whose colours are variables of the page."""
    written = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(
            written, format="svg", transparent=True,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )  # fmt: skip
    drawn = written.getvalue()
    drawn = _GLOBAL_STYLE.sub("", drawn[drawn.index("<svg") :])
    own = f"{name}-{zlib.crc32(drawn.encode()):08x}-"
    drawn = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{own}", drawn)
    for colour, variable in _VARIABLES.items():
        drawn = drawn.replace(colour, f"var({variable})")
    return re.sub(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', r'<svg \1 aria-hidden="true">', drawn, count=1)
