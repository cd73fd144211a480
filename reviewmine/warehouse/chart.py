"""Polarity per partition as a chart: text for a terminal, PNG for everything else, both with their row counts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.table import Table
from rich.text import Text

from reviewmine.labels import POLARITIES, Polarity
from reviewmine.warehouse.polarity import PartitionPolarity

# Told apart by people who see red and green alike, and in grey.
COLOURS: Final[dict[Polarity, str]] = {"negative": "#c2502e", "neutral": "#cfcac0", "positive": "#2b7a8c"}
_GLYPHS: Final[dict[Polarity, str]] = {"negative": "█", "neutral": "░", "positive": "▒"}
_BAR_CELLS: Final = 32
_INK: Final = "#333333"


def terminal_chart(partitions: Sequence[PartitionPolarity]) -> Table:
    """One line of 80 cells for each partition: annotated reviews, a bar of shares, the shares, the mean intensity."""
    chart = Table(box=None, pad_edge=False, header_style="bold")
    chart.add_column("partition")
    chart.add_column("reviews", justify="right")
    legend = Text("  ").join(Text(f"{_GLYPHS[name]} {name[:3]}", style=COLOURS[name]) for name in POLARITIES)
    chart.add_column(legend, no_wrap=True)
    for heading in ("neg", "neu", "pos", "intensity"):
        chart.add_column(heading, justify="right")
    for partition in partitions:
        shares = [f"{partition.share(polarity):.0%}" for polarity in POLARITIES]
        if partition.num_annotated == 0:
            shares = ["-"] * len(POLARITIES)
        intensity = f"{partition.mean_intensity:.2f}" if partition.num_annotated else "-"
        chart.add_row(partition.label, f"{partition.num_annotated:,}", _bar(partition), *shares, intensity)
    return chart


def _bar(partition: PartitionPolarity) -> Text:
    """A bar of _BAR_CELLS cells, cut where the shares add up, so that it is full where any row is annotated."""
    bar = Text()
    done = reached = 0
    for polarity in POLARITIES:
        reached += partition.num_by_polarity[polarity]
        end = round(_BAR_CELLS * reached / max(1, partition.num_annotated))
        bar.append(_GLYPHS[polarity] * (end - done), style=COLOURS[polarity])
        done = end
    return bar


def save_png(partitions: Sequence[PartitionPolarity], path: Path, *, title: str, axis: str) -> None:
    """Write the chart to `path`: shares of the annotated rows as stacked bars, below them the mean intensity.

    Args:
        axis: what the labels of the partitions are, such as `dt`.
    """
    width, height = max(9.0, min(24.0, 2.6 + 0.5 * len(partitions))), 6.4
    figure = Figure(figsize=(width, height), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    shares, intensity = figure.subplots(
        2, 1, sharex=True, height_ratios=[3.2, 1], gridspec_kw={"hspace": 0.24}
    )
    figure.subplots_adjust(left=0.9 / width, right=1 - 1.35 / width, top=0.83, bottom=0.18)
    _draw_shares(shares, partitions)
    _draw_intensity(intensity, partitions, axis)
    num_rows = sum(partition.num_rows for partition in partitions)
    num_annotated = sum(partition.num_annotated for partition in partitions)
    left = 0.3 / width
    figure.text(left, 0.945, title, fontsize=14, fontweight="bold", color=_INK)
    figure.text(
        left,
        0.87,
        f"{num_annotated:,} of {num_rows:,} reviews are annotated; the number above a bar says how many are there.\n"
        "Shares are of each review's most probable class, as the model sees it, not of stars.",
        fontsize=9,
        color="#666666",
        linespacing=1.5,
    )
    figure.savefig(path)


def _draw_shares(axes: Axes, partitions: Sequence[PartitionPolarity]) -> None:
    positions = range(len(partitions))
    floor = [0.0] * len(partitions)
    for polarity in POLARITIES:
        heights = [100 * partition.share(polarity) for partition in partitions]
        axes.bar(positions, heights, bottom=floor, width=0.78, color=COLOURS[polarity], label=polarity)
        floor = [low + height for low, height in zip(floor, heights, strict=True)]
    if len(partitions) <= 45:
        for position, partition in enumerate(partitions):
            axes.annotate(
                f"{partition.num_annotated:,}",
                (position, 101),
                ha="center",
                va="bottom",
                fontsize=8,
                color="#666666",
            )
    axes.set_ylabel("share of annotated reviews (%)", color=_INK, fontsize=9)
    axes.set_ylim(0, 106)
    axes.set_yticks(range(0, 101, 25))
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles[::-1],
        labels[::-1],
        title="polarity",
        loc="upper left",
        bbox_to_anchor=(1.01, 0.97),
        frameon=False,
    )
    _plain(axes)


def _draw_intensity(axes: Axes, partitions: Sequence[PartitionPolarity], axis: str) -> None:
    points = [
        (n, partition.mean_intensity) for n, partition in enumerate(partitions) if partition.num_annotated
    ]
    axes.plot(
        [n for n, _ in points], [mean for _, mean in points], "o-", color=_INK, markersize=4, linewidth=1.2
    )
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.5, 1], ["0 mild", "0.5", "1 extreme"])
    axes.set_title("mean intensity", loc="left", fontsize=9, color=_INK, pad=4)
    step = -(-len(partitions) // 45)
    ticks = range(0, len(partitions), step)
    axes.set_xticks(
        ticks, [partitions[n].label for n in ticks], rotation=45, ha="right", rotation_mode="anchor"
    )
    axes.set_xlim(-0.6, len(partitions) - 0.4)
    axes.set_xlabel(axis, color=_INK, fontsize=9)
    _plain(axes)


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#999999")
    axes.tick_params(colors="#555555", labelsize=9)
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
