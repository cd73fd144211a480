"""Reports: everything that an evaluation finds, as metrics.json for machines and one page for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from reviewmine.errors import UsageError
from reviewmine.evaluation.answers import Answers, answer, figures, sample, with_text
from reviewmine.evaluation.comparison import compare
from reviewmine.evaluation.gate import Check, Gate, checked
from reviewmine.evaluation.judge import write_metrics
from reviewmine.evaluation.page import page
from reviewmine.evaluation.robustness import robustness
from reviewmine.evaluation.slices import slice_figures
from reviewmine.model.checkpoint import Checkpoint

METRICS_NAME: Final = "metrics.json"
PAGE_NAME: Final = "evaluation.html"


@dataclass(frozen=True, kw_only=True)
class Report:
    """The metrics of an evaluation, the answers they are of, those compared with, and the checks of its gate."""

    metrics: dict[str, Any]
    answers: Answers
    reference: Answers | None
    checks: list[Check]

    @property
    def of_the_checkpoint(self) -> dict[str, Any]:
        """The metrics of the checkpoint alone, all rows together: what is worth recording beside it."""
        left_out = ("against", "gate", "name", "slices", "robustness")
        return {name: value for name, value in self.metrics.items() if name not in left_out}


def report(
    checkpoint: Checkpoint,
    examples: pa.Table,
    *,
    against: Checkpoint | None = None,
    gate: Gate | None = None,
    slice_by: Sequence[str] = (),
    max_rows: int | None = None,
    robustness_rows: int = 1000,
    titles: bool = True,
    seed: int = 0,
) -> Report:
    """Evaluate `checkpoint` on examples (EXAMPLES_SCHEMA and the columns `slice_by`) in every way there is.

    `max_rows` is a seeded sample; so is `robustness_rows`, for which each perturbation costs a pass (0: none).
    Raises TrainingError if no row can be read, ConfigError for a gate that asks for what is not there.
    """
    sampled = sample(examples, max_rows, seed=seed)
    readable = with_text(sampled)
    answers = answer(checkpoint, readable, titles=titles)
    metrics: dict[str, Any] = {
        "checkpoint": checkpoint.digest,
        "name": checkpoint.spec.name,
        "rows": readable.num_rows,
        "rows_without_text": sampled.num_rows - readable.num_rows,
        "titles": titles,
        **figures(answers),
        "slices": slice_figures(answers, slice_by),
    }
    if robustness_rows and answers.columns:
        metrics["robustness"] = robustness(
            checkpoint, answers, max_rows=robustness_rows, titles=titles, seed=seed
        )
    reference = None
    if against is not None:
        reference = answer(against, readable, titles=titles)
        metrics["against"] = compare(answers, reference, seed=seed)
    checks = checked(gate, metrics) if gate is not None else []
    if gate is not None:
        metrics["gate"] = {
            "passed": all(check.passed for check in checks),
            "checks": [check._asdict() for check in checks],
        }
    return Report(metrics=metrics, answers=answers, reference=reference, checks=checks)


def write_report(found: Report, folder: Path, *, examples: str) -> None:
    """Write metrics.json and the page into `folder`; `examples` is what the page calls the examples."""
    refuse_file(folder)
    write_metrics(found.metrics, folder / METRICS_NAME)
    text = page(found.metrics, found.answers, found.reference, examples=examples)
    (folder / PAGE_NAME).write_text(text, encoding="utf-8", errors="replace")


def refuse_file(folder: Path) -> None:
    """Raise UsageError where a folder for a report is a file, or was meant to be one."""
    if folder.is_file() or folder.suffix in (".json", ".html"):
        raise UsageError(
            f"--out {folder}: found a file, expected a folder, which gets {METRICS_NAME} and {PAGE_NAME}"
        )
