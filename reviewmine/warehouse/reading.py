"""Rows worth reading: one of each kind that shows what a table says, and what it declines to say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from reviewmine.labels import ANNOTATED_STATUSES
from reviewmine.warehouse.chart import COLOURS
from reviewmine.warehouse.polarity import live_rows

_COLUMNS: Final = (
    *("review_id", "product_id", "reviewed_at", "source_file", "source_row", "language", "polarity"),
    *("polarity_negative", "polarity_neutral", "polarity_positive", "intensity", "intensity_level"),
    *("summary", "summary_method", "summary_spans", "status"),
)
_MASKED: Final = r"\[(mail|phone|card|id|iban|ip|url)\]"


@dataclass(frozen=True)
class Kind:
    """A kind of row: which rows are of it [rows] bool, and how good an example each is [rows] float, higher better."""

    why: str
    of_kind: Callable[[pa.Table], pa.ChunkedArray]
    rank: Callable[[pa.Table], pa.ChunkedArray]


@dataclass(frozen=True)
class Example:
    """A row of the table, as a dict of its columns, and why it is worth reading."""

    why: str
    row: dict[str, Any]


def _telling(table: pa.Table) -> pa.ChunkedArray:
    """Annotated rows whose summary is long enough to tell something."""
    annotated = pc.is_in(table["status"], pa.array(sorted(ANNOTATED_STATUSES)))
    return pc.and_(annotated, pc.greater_equal(pc.utf8_length(table["summary"]), 45))


def _polar(polarity: str) -> Callable[[pa.Table], pa.ChunkedArray]:
    return lambda table: pc.and_(_telling(table), pc.equal(table["polarity"], polarity))


def _smaller_pole(table: pa.Table) -> pa.ChunkedArray:
    return pc.min_element_wise(table["polarity_negative"], table["polarity_positive"])


def _last_span_end(table: pa.Table) -> pa.ChunkedArray:
    """Where the last sentence of each summary ends in its review, in code points: long reviews rank first."""
    ends = [max((span["end"] for span in spans), default=0) for spans in table["summary_spans"].to_pylist()]
    return pa.chunked_array([pa.array(ends, pa.int64())])


def _masks(table: pa.Table) -> pa.ChunkedArray:
    return pc.match_substring_regex(table["summary"], _MASKED)


def _shorter(table: pa.Table) -> pa.ChunkedArray:
    return pc.negate(pc.utf8_length(table["summary"]))


KINDS: Final = (
    Kind("the strongest complaint", _polar("negative"), lambda table: table["intensity"]),
    Kind("the strongest praise", _polar("positive"), lambda table: table["intensity"]),
    Kind("neither praise nor complaint", _polar("neutral"), lambda table: table["polarity_neutral"]),
    Kind("a complaint, but a mild one", _polar("negative"), lambda table: pc.negate(table["intensity"])),
    Kind("where the model is torn between praise and complaint", _telling, _smaller_pole),
    Kind(
        "a long review in one or two sentences",
        lambda t: pc.equal(t["summary_method"], "extractive"),
        _last_span_end,
    ),
    Kind("personal data masked", _masks, _shorter),
    Kind(
        "a language that the checkpoint was not trained for",
        lambda table: pc.equal(table["status"], "unsupported_language"),
        lambda table: pc.cast(pc.equal(table["language"], "zh"), pa.float64()),
    ),
)


def rows_worth_reading(table: str, *, kinds: Sequence[Kind] = KINDS) -> list[Example]:
    """The best example of each kind, none twice and no two with the same summary; kinds without any are left out.

    Reads file by file and keeps no more than `len(kinds)` rows of each kind.
    """
    candidates: dict[str, list[tuple[float, dict[str, Any]]]] = {kind.why: [] for kind in kinds}
    for _, read in live_rows(table, _COLUMNS):
        for kind in kinds:
            of_kind = read.filter(kind.of_kind(read))
            if of_kind.num_rows == 0:
                continue
            ranks = pc.cast(kind.rank(of_kind), pa.float64())
            ranked = of_kind.append_column("rank", ranks)
            best = ranked.take(pc.select_k_unstable(ranked, len(kinds), sort_keys=[("rank", "descending")]))
            kept = [*candidates[kind.why], *((row.pop("rank"), row) for row in best.to_pylist())]
            # Ties are broken by lineage, so that the same table always shows the same rows.
            kept.sort(key=lambda pair: (-pair[0], pair[1]["source_file"], pair[1]["source_row"]))
            candidates[kind.why] = kept[: len(kinds)]
    return list(_distinct(candidates))


def _distinct(candidates: dict[str, list[tuple[float, dict[str, Any]]]]) -> list[Example]:
    shown: set[Any] = set()
    examples = []
    for why, ranked in candidates.items():
        for _, row in ranked:
            lineage, summary = (row["source_file"], row["source_row"]), row["summary"]
            if lineage not in shown and (summary is None or summary not in shown):
                shown |= {lineage, summary}
                examples.append(Example(why, row))
                break
    return examples


def example_lines(examples: Sequence[Example]) -> RenderableType:
    """The examples for a terminal: why, what the table says, the summary, and where the review is to be found."""
    blocks: list[RenderableType] = []
    for example in examples:
        row = example.row
        if row["polarity"] is None:
            says = Text(f"{row['status']}: {row['language']}", style="dim")
            summary = Text("no polarity, no intensity and no summary are claimed", style="dim")
        else:
            says = Text(f"{row['polarity']}, {row['intensity_level']} ({row['intensity']:.2f})")
            says.stylize(COLOURS[row["polarity"]])
            summary = Text(f"“{row['summary']}”")
        moment = f", {row['reviewed_at']:%Y-%m-%d}" if row["reviewed_at"] else ""
        found_at = (
            f"{row['product_id']}{moment}, {row['review_id']} ({row['source_file']}, row {row['source_row']})"
        )
        method = f"; summary {row['summary_method']}" if row["polarity"] else ""
        blocks.append(Text.assemble((example.why, "bold"), "  ", says))
        blocks.append(Padding(summary, (0, 0, 0, 2)))
        blocks.append(Padding(Text(found_at + method, style="dim"), (0, 0, 1, 2)))
    return Group(*blocks)
