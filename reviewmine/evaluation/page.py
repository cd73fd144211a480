"""The page of an evaluation: one HTML file that needs nothing else, for people who decide whether to ship a checkpoint.

Every text of a review is hostile until it is escaped: the template escapes by itself, and only our own pictures and
style sheet are put in as they are. The page has no script, and its policy forbids the browser to load anything.
"""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from reviewmine import __version__
from reviewmine.evaluation.answers import Answers, Several
from reviewmine.evaluation.gate import LESS_IS_BETTER
from reviewmine.evaluation.pictures import (
    confusion_picture,
    precision_recall_picture,
    reliability_picture,
    roc_picture,
    stars_picture,
)
from reviewmine.evaluation.readings import changed_rows, worst_errors
from reviewmine.evaluation.reliability import reliability
from reviewmine.evaluation.slices import SMALL_ROWS

PLAIN_NAMES: Final[Mapping[str, str]] = {
    "macro_f1": "Macro-F1",
    "accuracy": "Accuracy",
    "calibration_error": "Calibration error",
    "mae": "Mean absolute error",
    "typos": "Typing errors",
    "case": "All capitals, or none",
    "emoji_added": "An emoji added",
    "words_dropped": "One word in ten left out",
    "punctuation_dropped": "No punctuation",
    "length": "length in tokens",
    "emoji": "emoji or smiles",
}


def page(metrics: Mapping[str, Any], answers: Answers, reference: Answers | None, *, examples: str) -> str:
    """The page of `metrics` with pictures of the answers and rows to read, compared with `reference` where given."""
    environment = Environment(
        loader=PackageLoader("reviewmine.evaluation"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": _figure, "share": _share, "count": _count, "signed": _signed}
    return environment.get_template("page.html").render(
        metrics=metrics,
        **_names(metrics),
        examples=PurePath(examples).name,
        version=__version__,
        style=Markup(environment.get_template("page.css").render()),
        class_heads=[_class_head(metrics, answers, reference, head) for head in answers.names],
        number_heads=[
            _number_head(metrics, answers, head) for head in answers.columns if head not in answers.names
        ],
        several_heads=[
            _several_head(head, several) for head, several in answers.others.items() if not several.of_tokens
        ],
        token_heads=[
            _several_head(head, several) for head, several in answers.others.items() if several.of_tokens
        ],
        plain=PLAIN_NAMES,
        less_is_better=LESS_IS_BETTER,
        small_rows=SMALL_ROWS,
    )


def _names(metrics: Mapping[str, Any]) -> dict[str, str]:
    """What the page calls the checkpoint, `here`, and the one it is compared with, `there`; never the same."""
    here, there = metrics["name"], metrics.get("against", {}).get("name", "")
    if here != there:
        return {"here": here, "there": there}
    return {
        "here": f"{here} ({metrics['checkpoint'][:6]})",
        "there": f"{there} ({metrics['against']['checkpoint'][:6]})",
    }


def _class_head(
    metrics: Mapping[str, Any], answers: Answers, reference: Answers | None, head: str
) -> dict[str, Any]:
    """What the template shows of a head of classes; its pictures are None where no row has a label."""
    names, labels = answers.names[head], answers.labels[head]
    labelled = ~np.isnan(labels)
    shown: dict[str, Any] = {
        "name": head,
        "names": names,
        "figures": metrics[head],
        "before": metrics[f"{head}_before_calibration"],
    }
    if not labelled.any():
        return shown
    truth, column, raw = labels[labelled], answers.columns[head][labelled], answers.raw[head][labelled]
    classes = truth.astype(np.int64)
    improved, worsened = (
        changed_rows(answers, reference, head) if reference and head in reference.names else ([], [])
    )
    return shown | {
        "confusion": Markup(confusion_picture(metrics[head]["confusion"], names)),
        "roc": Markup(roc_picture(truth, column, names)),
        "precision_recall": Markup(precision_recall_picture(truth, column, names)),
        "reliability": Markup(reliability_picture(reliability(classes, column), reliability(classes, raw))),
        "worst": worst_errors(answers, head),
        "improved": improved,
        "worsened": worsened,
    }


def _several_head(head: str, several: Several) -> dict[str, Any]:
    """What the template shows of a head that gives each review several answers."""
    figures = several.figures
    shown: dict[str, Any] = {"name": head, "figures": figures, "before": several.before}
    if several.of_tokens and figures["rows"]:
        shown["confusion"] = Markup(confusion_picture(figures["confusion"], tuple(figures["classes"])))
    return shown


def _number_head(metrics: Mapping[str, Any], answers: Answers, head: str) -> dict[str, Any]:
    ratings = np.array(
        [np.nan if rating is None else rating for rating in answers.examples["rating"].to_pylist()],
        dtype=np.float32,
    )
    rated = ~np.isnan(ratings)
    picture = stars_picture(ratings[rated], answers.columns[head][rated], head) if rated.any() else ""
    return {
        "name": head,
        "figures": metrics[head],
        "before": metrics[f"{head}_before_calibration"],
        "stars": Markup(picture),
    }


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _signed(value: float) -> str:
    """A difference with its sign, the sign of what is not nothing at three decimals."""
    shown = round(value, 3)
    return f"{shown:+.3f}".replace("-", "\N{MINUS SIGN}") if shown else "0.000"
