"""What is told of a checkpoint: its metrics, and a card on what it was made from, is worth and is not for.

What its makers want told besides, such as what else was tried, they write into NOTES.md; the card quotes it.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reviewmine.errors import CheckpointError, TrainingError, UsageError
from reviewmine.model.digest import CARD_FILE, METRICS_FILE, NOTES_FILE, digest
from reviewmine.model.head_specs import (
    OPINION_HEADS,
    ClassificationSpec,
    HeadSpec,
    MultilabelSpec,
    OrdinalSpec,
    RegressionSpec,
    TokensSpec,
)
from reviewmine.model.spec import Spec, read_spec
from reviewmine.model.tuning_spec import told

_OF_THE_RUN = frozenset(
    {
        "checkpoint",
        "validation",
        "validation_before_calibration",
        "validation_elsewhere",
        "earlier_validation_before",
        "earlier_validation_after",
        "earlier_validation_before_elsewhere",
        "earlier_validation_after_elsewhere",
    }
)
_ELSEWHERE = "_elsewhere"


def tell(directory: Path, metrics: Mapping[str, Any]) -> None:
    """Write metrics.json and the model card of the checkpoint in `directory`; neither is part of its digest."""
    text = json.dumps(metrics, indent=2) + "\n"
    (directory / METRICS_FILE).write_text(text, encoding="utf-8")
    notes = directory / NOTES_FILE
    card = model_card(
        read_spec(directory),
        str(metrics["checkpoint"]),
        metrics,
        notes=notes.read_text(encoding="utf-8") if notes.is_file() else "",
    )
    (directory / CARD_FILE).write_text(card, encoding="utf-8")


def record(directory: Path, name: str, evaluation: Mapping[str, Any]) -> None:
    """Add what `evaluate` found on the examples called `name` to the metrics and the card of a checkpoint.

    Raises CheckpointError if it is another checkpoint that was evaluated, or that the metrics are of, UsageError for a
    name that the training run uses, TrainingError if no row had a label.
    """
    if name in _OF_THE_RUN:
        raise UsageError(f"--record {name}: that name is taken by the training run; expected another")
    if not any(found.get("rows") for found in evaluation.values() if isinstance(found, Mapping)):
        raise TrainingError(
            f"{directory}: none of the evaluated rows has a label, so there is nothing to record"
        )
    path = directory / METRICS_FILE
    found = digest(directory)
    metrics: dict[str, Any] = {"checkpoint": found}
    if path.is_file():
        metrics = json.loads(path.read_text(encoding="utf-8"))
    for digest_of, owner in ((evaluation, "the evaluation"), (metrics, METRICS_FILE)):
        if digest_of.get("checkpoint") != found:
            raise CheckpointError(
                f"{directory}: {owner} is of checkpoint {digest_of.get('checkpoint')}, expected {found}"
            )
    told = {key: value for key, value in evaluation.items() if key != "checkpoint"}
    tell(directory, metrics | {name: told})


def model_card(spec: Spec, checkpoint: str, metrics: Mapping[str, Any], *, notes: str = "") -> str:
    """The card, in Markdown, of the checkpoint with this spec and digest, `metrics.json` and its makers' notes."""
    sections = [
        f"# {spec.name}",
        f"Checkpoint `{checkpoint}`.\n\n"
        f"It reads reviews in {', '.join(spec.languages)}, up to {spec.max_tokens} tokens each, and gives, calibrated,"
        "\n\n" + "\n".join(f"- {name}: {_answers(head)}" for name, head in spec.heads.items()),
        "## Made from\n\n" + _backbone(spec, metrics) + "\n\n" + _sets(spec),
        "## Figures\n\n" + _figures(metrics, [name for name in spec.heads if name not in OPINION_HEADS]),
        *(["## How it was chosen\n\n" + notes.strip()] if notes.strip() else []),
        "## Limits\n\n" + _LIMITS,
    ]
    return "\n\n".join(sections) + "\n"


_LIMITS = """\
- Labels come from stars, which agree with what people read into a text about two times in three; `neutral` stands
  for three stars, which are as often mixed as they are indifferent.
- Product reviews of shops: other kinds of text, irony and single words are read badly.
- Intensity is the distance of the stars from the middle and, for sentences, the strength that annotators gave:
  it is a ranking more than a measure.
- Not for judging people, and not for deciding about one review without reading it."""


def _answers(head: HeadSpec) -> str:
    match head:
        case ClassificationSpec():
            return f"one of {', '.join(head.labels)}, with their probabilities"
        case MultilabelSpec():
            return f"any of {', '.join(head.labels)}, with their probabilities"
        case RegressionSpec():
            return "a number from 0 to 1"
        case OrdinalSpec():
            return f"a number from 0 to 1, learnt in {len(head.levels)} levels"
        case TokensSpec():
            return f"places in the text that are {', '.join(head.labels)}"


def _backbone(spec: Spec, metrics: Mapping[str, Any]) -> str:
    if spec.adapter is not None:
        tuned = told(spec.adapter)
    elif spec.backbone.inside:
        tuned = "all its weights inside"
    else:
        tuned = "its upper layers tuned" if spec.backbone.tuned else "its weights as they were"
    revision = f" at revision {spec.backbone.revision}" if spec.backbone.revision else ""
    derived = f" Merged from checkpoint `{spec.derived_from}`." if spec.derived_from else ""
    if spec.continues:
        derived += f" Training went on from checkpoint `{spec.continues}`; "
        if "earlier_validation_before" in metrics:
            derived += (
                "on rows of its examples that neither of the two trained on, `earlier validation before` is its own "
                "figures and `earlier validation after` those of this one."
            )
        else:
            derived += "the figures below do not tell what was forgotten of it."
    named = f"`{spec.backbone.name}`{revision}, sha256 `{spec.backbone.sha256}`"
    if spec.backbone.added_tokens:
        named += f", with {spec.backbone.added_tokens:,} tokens added to its vocabulary"
    return f"{named}, with {tuned}; {spec.pooling} pooling.{derived}"


def _sets(spec: Spec) -> str:
    rows = [f"| {one.name} | {one.licence} | {one.rows} | {one.citation} |" for one in spec.training.sets]
    return "\n".join(
        [
            "| examples | licence | read in an epoch | source |",
            "|---|---|---|---|",
            *rows,
            "",
            *([_UNREAD] if spec.training.unread_sets else []),
            *(_shares(spec, name) for name in spec.training.natural_shares),
            "Temperatures and tables were fitted on validation rows, held out by their text's hash or by their set.",
            "",
            "Every value of the run file, the seed among them, is in `spec.json` under `training.run`.",
        ]
    )


_UNREAD = "Sets of which nothing was read were learnt from by the checkpoints that this one goes on from."


def _shares(spec: Spec, name: str) -> str:
    head, training = spec.heads[name], spec.training
    labels = head.labels if isinstance(head, ClassificationSpec) else ()
    sampled, comparable, natural = (
        ", ".join(f"{share:.3f}" for share in shares.get(name, ()))
        for shares in (training.sampled_shares, training.comparable_shares, training.natural_shares)
    )
    among = f", {comparable} of that in the languages of the naturally distributed sets" if comparable else ""
    return (
        f"Shares of {', '.join(labels[:-1])} and {labels[-1]}: {sampled} as sampled for training{among}, {natural} in "
        f"the training rows of the naturally distributed sets. Decoding is corrected to the last{_strength(spec)}."
    )


def _strength(spec: Spec) -> str:
    strength = spec.training.run.get("prior_strength", 1.0)
    return "" if strength == 1.0 else f", each to the power {strength:g} and scaled to sum 1"


def _figures(metrics: Mapping[str, Any], other_heads: Sequence[str]) -> str:
    measured = {name: found for name, found in metrics.items() if isinstance(found, Mapping)}
    opinions = [_row(name, found) for name, found in measured.items() if "polarity" in found]
    others = [
        _other_row(name, head, found[head])
        for name, found in measured.items()
        for head in other_heads
        if head in found
    ]
    tables = []
    if opinions:
        tables.append("\n".join([*_OPINION_COLUMNS, *opinions]))
    if others:
        tables.append("\n".join([*_OTHER_COLUMNS, *others]))
    if any(name in _OF_THE_RUN and name.endswith(_ELSEWHERE) for name in measured):
        tables.append(
            "`other languages` are validation rows in languages that no naturally distributed set is in: each of them "
            "counts one. Of the other validation rows each class counts by its natural share, where that is known."
        )
    return "\n\n".join(tables) or "None yet."


def _named(name: str) -> str:
    """What the card calls the examples that metrics.json has under `name`."""
    if name in _OF_THE_RUN and name.endswith(_ELSEWHERE):
        return _named(name.removesuffix(_ELSEWHERE)) + ", other languages"
    return name.replace("_", " ")


_OPINION_COLUMNS = (
    "| examples | rows | macro-F1 | accuracy | F1 negative / neutral / positive | calibration error | "
    "intensity Spearman | intensity MAE |",
    "|---|---|---|---|---|---|---|---|",
)
_OTHER_COLUMNS = (
    "| examples | head | rows | macro-F1 | accuracy | Spearman | MAE |",
    "|---|---|---|---|---|---|---|",
)


def _other_row(name: str, head: str, found: Mapping[str, Any]) -> str:
    figures = [_number(found.get(figure)) for figure in ("macro_f1", "accuracy", "spearman", "mae")]
    return f"| {' | '.join([_named(name), head, str(found['rows']), *figures])} |"


def _row(name: str, found: Mapping[str, Any]) -> str:
    polarity, intensity = found["polarity"], found.get("intensity", {})
    cells = [
        _named(name),
        str(polarity["rows"]),
        _number(polarity.get("macro_f1")) + _interval(polarity.get("macro_f1_interval")),
        _number(polarity.get("accuracy")),
        " / ".join(_number(one["f1"]) for one in polarity.get("classes", {}).values()),
        _number(polarity.get("calibration_error")),
        _number(intensity.get("spearman")),
        _number(intensity.get("mae")),
    ]
    return f"| {' | '.join(cells)} |"


def _interval(bounds: Sequence[float] | None) -> str:
    return f" ({bounds[0]:.3f} to {bounds[1]:.3f})" if bounds else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
