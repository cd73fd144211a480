"""The report: results as plain lines, the same on a terminal and in a file."""

from collections.abc import Iterator, Sequence

import torch
from annotate_agreement import LABELS
from annotate_measures import Machine
from annotate_results import ASKED, ASKED_AGREEMENT, Measured, Results

OURS = ("reviewmine", "reviewmine without summary", "reviewmine encoder")
JUDGED = "reviewmine without summary"
"""What does the work of the others, from text to the numbers of the heads; summaries are on top of it."""


def report(results: Results) -> Iterator[str]:
    """The lines of the report."""
    yield machine_line(results.machine)
    yield f"{results.num_rows:,} rows of {results.origin}; medians of {results.num_repeats}"
    yield peak_line(results)
    yield ""
    yield from contender_lines(results)
    yield from (f"{name}: not run; {why}" for name, why in results.missing.items())
    yield ""
    yield from ratio_lines(results)
    yield agreement_line(results)
    unjudged = results.unjudged_because()
    if unjudged:
        yield f"Whether what is asked is reached cannot be judged here: {'; '.join(unjudged)}."
    if results.passages:
        yield ""
        yield from passage_lines(results)


def machine_line(machine: Machine) -> str:
    """The CPU and what it can do, in one line."""
    flags = ", ".join(f"{flag} {'yes' if has else 'no'}" for flag, has in machine.cpu_has.items())
    device = "" if machine.device.type == "cpu" else f"; device {machine.device_name}"
    return f"CPU {machine.cpu}; {flags}; {machine.num_threads} threads; torch {machine.torch_version}{device}"


def peak_line(results: Results) -> str:
    """The matrix peaks, and what stands in for one that was not measured."""
    peaks = [f"{_name(dtype)} {peak:,.0f} GFLOP/s" for dtype, peak in results.peaks.items()]
    if not results.machine.has_bf16:
        peaks.append("bfloat16 only emulated, so what is named bf16 runs in float32 (no bf16 on this CPU)")
    return f"matrix peak: {'; '.join(peaks)}"


def contender_lines(results: Results) -> Iterator[str]:
    """One row per contender."""
    header = ("contender", "format", "rows/s", "range", "tokens/s", "tokens", "padding", "of peak", "batches")
    rows = [
        (
            measured.name,
            _format(measured, results.machine),
            f"{measured.rows_per_s:.1f}",
            f"{measured.num_rows / max(measured.seconds):.1f}-{measured.num_rows / min(measured.seconds):.1f}",
            f"{measured.tokens_per_s:,.0f}",
            f"{measured.tokens.num_real:,}",
            f"{measured.tokens.padding_share:.1%}",
            f"{results.share_of_peak(measured):.1%}",
            measured.how,
        )
        for measured in results.contenders
    ]
    yield from _table([header, *rows], left=(0, 1, 8))


def ratio_lines(results: Results) -> Iterator[str]:
    """Times the rows/s of the others, and whether that is what is asked where it can be judged."""
    is_judged = not results.unjudged_because()
    rows: list[tuple[str, ...]] = [("rows/s of", *OURS, "asked", "")]
    for other, asked in ASKED.items():
        found = {ours: results.times(ours, other) for ours in OURS}
        judged = found[JUDGED]
        word = _word(judged, asked).strip() if is_judged and judged is not None else ""
        rows.append((f"times {other}", *(_times(ratio) for ratio in found.values()), f"{asked:g}x", word))
    yield from _table(rows, left=(0, 4))


def agreement_line(results: Results) -> str:
    """How often labels are those of float32."""
    found = results.agreement
    if found is None:
        return "Labels beside float32: the fast format of this device is float32 itself."
    is_judged = not results.unjudged_because()
    shares = [
        f"{name} {found.shares[name]:.2%}{_word(found.shares[name], ASKED_AGREEMENT) if is_judged else ''}"
        for name in LABELS
    ]
    told = ", ".join(shares)
    return (
        f"Labels equal to those of float32: {told} of {found.num_rows:,} rows; asked {ASKED_AGREEMENT:.1%}."
    )


def passage_lines(results: Results) -> Iterator[str]:
    """From Parquet to Parquet through Ray, beside the encoder alone, and when which station was passed."""
    alone = results.of("reviewmine encoder")
    for passage in results.passages:
        beside = f", {passage.rows_per_s / alone.rows_per_s:.0%} of the encoder alone" if alone else ""
        yield (
            f"Parquet to Parquet, {passage.name}: {passage.rows_per_s:.1f} rows/s{beside} "
            f"({passage.num_rows:,} rows in {passage.num_files} files, {passage.seconds:.1f} s)"
        )
        stations = "; ".join(f"{station} after {at:.1f} s" for station, at in passage.until_s.items())
        needed = (
            f"; the encoder alone would take {passage.num_rows / alone.rows_per_s:.1f} s" if alone else ""
        )
        yield f"  {stations}{needed}"


def _format(measured: Measured, machine: Machine) -> str:
    told = _name(measured.dtype)
    return f"{told} (no bf16 on this CPU)" if "bf16" in measured.name and not machine.has_bf16 else told


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _word(found: float, asked: float) -> str:
    return " reached" if found >= asked else " missed"


def _times(ratio: float | None) -> str:
    return "not run" if ratio is None else f"{ratio:.2f}x"


def _table(rows: Sequence[Sequence[str]], *, left: Sequence[int]) -> Iterator[str]:
    """Lines of cells [rows][columns], columns two spaces apart and flush right but for `left`."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if number in left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
