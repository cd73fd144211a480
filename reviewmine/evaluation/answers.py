"""What a checkpoint answers on labelled examples, row for row, and the figures of all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from torch import Tensor

from reviewmine.errors import TrainingError
from reviewmine.evaluation.judge import head_metrics, predict, single_metrics
from reviewmine.evaluation.metrics import Floats
from reviewmine.evaluation.rows import counts_of_labels, counts_of_tokens
from reviewmine.examples.encoded import encode_examples
from reviewmine.model.checkpoint import Checkpoint
from reviewmine.model.head_specs import ClassificationSpec, MultilabelSpec, TokensSpec, uncalibrated
from reviewmine.model.heads import decode
from reviewmine.text.sentences import cleaned_sentences


@dataclass(frozen=True, kw_only=True)
class Several:
    """The figures of a head that gives each review several answers; of classes of tokens where it is `of_tokens`.

    `names` are those of its labels or classes; `counts` is what macro-F1 of any of the reviews is made of, see rows.
    """

    of_tokens: bool
    names: tuple[str, ...]
    counts: Floats
    figures: dict[str, Any]
    before: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What one checkpoint answers on N examples, by head: probabilities [N, C] of classes, or numbers [N].

    `labels` [N] are class numbers or numbers, NaN where there is none; `names` are those of the classes of the heads
    that have them; `raw` is what the answers were before calibration; `num_tokens` [N] is how much was read. Heads that
    give a review several answers, of labels or of tokens, are in `others` alone, by head: their kind, and their figures
    of calibrated and of raw answers.
    """

    name: str
    checkpoint: str
    examples: pa.Table
    labels: Mapping[str, Floats]
    columns: Mapping[str, Floats]
    raw: Mapping[str, Floats]
    names: Mapping[str, tuple[str, ...]]
    num_tokens: npt.NDArray[np.int64]
    others: Mapping[str, "Several"] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.num_tokens)


def sample(examples: pa.Table, max_rows: int | None, *, seed: int = 0) -> pa.Table:
    """The examples, or `max_rows` of them in their order, the same for the same seed, where there are more."""
    if max_rows is None or max_rows >= examples.num_rows:
        return examples
    rows = np.random.default_rng(seed).permutation(examples.num_rows)[:max_rows]
    return examples.take(pa.array(np.sort(rows)))


def with_text(examples: pa.Table) -> pa.Table:
    """The examples of whose body cleaning leaves something. Raises TrainingError if there are none."""
    bodies = examples["body"].to_pylist()
    readable = examples.filter(pa.array([is_readable(body) for body in bodies], pa.bool_()))
    if not readable.num_rows:
        raise TrainingError("evaluate: none of the examples has any text left after cleaning")
    return readable


def is_readable(body: str | None) -> bool:
    """Whether cleaning leaves anything of a body."""
    return any(cleaned_sentences(body or ""))


def answer(checkpoint: Checkpoint, examples: pa.Table, *, titles: bool = True) -> Answers:
    """What `checkpoint` answers on examples that all have text, by those of its heads that they may be labelled for."""
    heads = {name: head for name, head in checkpoint.spec.heads.items() if name in examples.column_names}
    encoded = encode_examples(examples, checkpoint.encoder, pad_id=checkpoint.pad_id, heads=heads)
    logits = predict(checkpoint.network, encoded, titles=titles)
    single = {name: head for name, head in heads.items() if not isinstance(head, MultilabelSpec | TokensSpec)}
    read = encoded.with_title if titles else encoded.without_title
    return Answers(
        name=checkpoint.spec.name,
        checkpoint=checkpoint.digest,
        examples=examples,
        labels=encoded.labels,
        columns={name: decode(logits[name], head).numpy() for name, head in single.items()},
        raw={name: decode(logits[name], uncalibrated(head)).numpy() for name, head in single.items()},
        names={name: head.labels for name, head in single.items() if isinstance(head, ClassificationSpec)},
        num_tokens=np.array([len(ids) for ids in read], dtype=np.int64),
        others={
            name: _several(head, encoded.labels[name], logits[name])
            for name, head in heads.items()
            if isinstance(head, MultilabelSpec | TokensSpec)
        },
    )


def _several(head: MultilabelSpec | TokensSpec, labels: Floats, logits: Tensor) -> Several:
    answers, of_tokens = decode(logits, head).numpy(), isinstance(head, TokensSpec)
    return Several(
        of_tokens=of_tokens,
        names=head.classes if isinstance(head, TokensSpec) else head.labels,
        counts=(counts_of_tokens if of_tokens else counts_of_labels)(labels, answers),
        figures=head_metrics(head, labels, answers),
        before=head_metrics(head, labels, decode(logits, uncalibrated(head)).numpy()),
    )


def figures(answers: Answers) -> dict[str, Any]:
    """The metrics of every head, and under `<head>_before_calibration` those of its uncalibrated answers."""
    found: dict[str, Any] = {}
    for head, column in answers.columns.items():
        labels, names = answers.labels[head], answers.names.get(head)
        found[head] = single_metrics(labels, column, names)
        found[f"{head}_before_calibration"] = single_metrics(labels, answers.raw[head], names)
    for head, several in answers.others.items():
        found[head], found[f"{head}_before_calibration"] = several.figures, several.before
    return found
