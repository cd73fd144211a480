"""Results: what was measured, and the figures that follow from it."""

import statistics
from dataclasses import dataclass, field
from typing import Any

import torch
from annotate_agreement import Agreement
from annotate_measures import Machine, TokenCount

ASKED = {"pipeline fp32 64": 5.0, "pipeline bf16 best": 2.3, "sentence-transformers bf16": 1.2}
"""How many times the rows/s of each of these `reviewmine` is to annotate."""
ASKED_AGREEMENT = 0.995
ASKED_ROWS = 1200
ASKED_REPEATS = 5


@dataclass(kw_only=True)
class Measured:
    """One contender: the tokens of a pass over all rows, and the seconds of each pass."""

    name: str
    how: str
    dtype: torch.dtype
    tokens: TokenCount
    flop_per_token: float
    num_rows: int
    seconds: list[float] = field(default_factory=list)

    @property
    def median_s(self) -> float:
        return statistics.median(self.seconds)

    @property
    def rows_per_s(self) -> float:
        return self.num_rows / self.median_s

    @property
    def tokens_per_s(self) -> float:
        """Real tokens, padding not counted."""
        return self.tokens.num_real / self.median_s


@dataclass(frozen=True, kw_only=True)
class Passage:
    """One run of the main job over an archive, from Parquet to Parquet."""

    name: str
    num_rows: int
    num_files: int
    seconds: float
    until_s: dict[str, float]
    """Seconds from the start of the job until each of its stations, in their order."""

    @property
    def rows_per_s(self) -> float:
        return self.num_rows / self.seconds


@dataclass(frozen=True, kw_only=True)
class Results:
    """Everything that one run of the bench found."""

    machine: Machine
    origin: str
    """Where the rows are from."""
    is_made: bool
    num_rows: int
    num_repeats: int
    contenders: list[Measured]
    missing: dict[str, str]
    """Contenders that could not be run, and what would help."""
    peaks: dict[torch.dtype, float]
    """The most GFLOP/s that products of matrices reached, by number format."""
    agreement: Agreement | None
    passages: list[Passage]

    def of(self, name: str) -> Measured | None:
        return next((measured for measured in self.contenders if measured.name == name), None)

    def share_of_peak(self, measured: Measured) -> float:
        """Operations for real tokens in a second over those of the matrix peak in the same number format."""
        return measured.flop_per_token * measured.tokens_per_s / (self.peaks[measured.dtype] * 1e9)

    def times(self, ours: str, other: str) -> float | None:
        """Rows/s of `ours` over those of `other`; None if either was not run."""
        one, two = self.of(ours), self.of(other)
        return one.rows_per_s / two.rows_per_s if one and two else None

    def unjudged_because(self) -> list[str]:
        """Why the figures say nothing about what is asked; nothing if they do."""
        found = []
        if self.machine.device.type != "cpu":
            found.append("it is asked of a CPU, and this ran on a GPU")
        elif not self.machine.cpu_has["amx_bf16"]:
            found.append("it is asked of a CPU with amx_bf16, and this one has none")
        if self.is_made:
            found.append("the reviews are made ones; give real ones with --examples")
        if self.num_rows < ASKED_ROWS:
            found.append(f"it is asked on {ASKED_ROWS:,} rows")
        if self.num_repeats < ASKED_REPEATS:
            found.append(f"it is asked of medians of {ASKED_REPEATS}")
        return found

    def as_json(self) -> dict[str, Any]:
        """All figures: seconds, rows and real tokens per second, shares from 0 to 1, GFLOP/s."""
        machine = self.machine
        return {
            "cpu": machine.cpu,
            **machine.cpu_has,
            "threads": machine.num_threads,
            "torch": machine.torch_version,
            "device": machine.device_name,
            "has_bf16": machine.has_bf16,
            "reviews": self.origin,
            "rows": self.num_rows,
            "repeats": self.num_repeats,
            "peak_gflop_per_s": {
                str(dtype).removeprefix("torch."): peak for dtype, peak in self.peaks.items()
            },
            "contenders": [self._contender_as_json(measured) for measured in self.contenders],
            "missing": self.missing,
            "times": {other: self.times("reviewmine", other) for other in ASKED},
            "asked_times": ASKED,
            "agreement": self.agreement and self.agreement.shares,
            "asked_agreement": ASKED_AGREEMENT,
            "unjudged_because": self.unjudged_because(),
            "parquet_to_parquet": [
                {
                    "name": passage.name,
                    "rows": passage.num_rows,
                    "files": passage.num_files,
                    "seconds": passage.seconds,
                    "rows_per_s": passage.rows_per_s,
                    "until_s": passage.until_s,
                }
                for passage in self.passages
            ],
        }

    def _contender_as_json(self, measured: Measured) -> dict[str, Any]:
        return {
            "name": measured.name,
            "how": measured.how,
            "format": str(measured.dtype).removeprefix("torch."),
            "seconds": measured.seconds,
            "rows_per_s": measured.rows_per_s,
            "tokens": measured.tokens.num_real,
            "computed_tokens": measured.tokens.num_computed,
            "padding_share": measured.tokens.padding_share,
            "tokens_per_s": measured.tokens_per_s,
            "flop_per_token": measured.flop_per_token,
            "share_of_peak": self.share_of_peak(measured),
        }
