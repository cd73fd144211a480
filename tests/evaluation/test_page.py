import dataclasses
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from made_answers import make_answers

from reviewmine.evaluation.answers import Answers, figures
from reviewmine.evaluation.comparison import compare
from reviewmine.evaluation.page import page
from reviewmine.evaluation.slices import slice_figures

HOSTILE = "</blockquote><script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)>"
OF_NOTHING = {"br", "meta", "link", "img", "input", "hr"}
ROBUSTNESS = {
    "rows": 9,
    "typos": {
        "rows": 9,
        "polarity": {"accuracy_before": 0.9, "accuracy": 0.8, "flip_rate": 0.1},
        "intensity": {"mae_before": 0.2, "mae": 0.2, "mean_shift": 0.01},
    },
    "case": {"rows": 0},
}


class Reader(HTMLParser):
    """Every element of a page with its attributes; fails on one that is closed before those inside it are."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in OF_NOTHING:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(text: str) -> list[tuple[str, dict[str, str | None]]]:
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader.elements


def metrics_of(answers: Answers, **more: Any) -> dict[str, Any]:
    return {
        "checkpoint": answers.checkpoint,
        "name": answers.name,
        "rows": len(answers),
        "rows_without_text": 0,
        "titles": True,
        **figures(answers),
        "slices": slice_figures(answers, ["shop"]),
        **more,
    }


@pytest.fixture(scope="module")
def whole() -> str:
    """A page with everything on it, made of rows that are all hostile."""
    rng = np.random.default_rng(0)
    truth = rng.choice(3, 150).tolist()
    texts = {"body": [HOSTILE] * 150, "title": [HOSTILE] * 150, "shop": [HOSTILE] * 150}
    here = make_answers(truth, rng.choice(3, 150).tolist(), name=HOSTILE, **texts)
    there = make_answers(truth, rng.choice(3, 150).tolist(), name="live", **texts)
    metrics = metrics_of(
        here,
        against=compare(here, there),
        robustness=ROBUSTNESS,
        gate={
            "passed": False,
            "checks": [{"metric": HOSTILE, "found": None, "kind": "at least", "bound": 0.6, "passed": False}],
        },
    )
    return page(metrics, here, there, examples=f"somewhere/{HOSTILE}.parquet")


def test_the_page_loads_nothing_from_anywhere(whole: str) -> None:
    for tag, attributes in read(whole):
        assert tag not in ("script", "link", "img", "iframe", "object", "embed", "base", "form"), tag
        for name, value in attributes.items():
            assert not name.startswith("on"), name
            if name in ("src", "href", "xlink:href", "action", "srcset"):
                assert (value or "").startswith("#"), (tag, name, value)
    assert not re.search(r"url\(\s*['\"]?(?!#)|@import", whole.split("</style>")[0])
    assert "default-src 'none'" in whole


def test_hostile_text_is_shown_and_never_meant(whole: str) -> None:
    assert "<script" not in whole
    assert "onerror=alert" in whole
    assert whole.count("&lt;/blockquote&gt;&lt;script&gt;alert(1)") > 20


def test_every_picture_is_inline_captioned_and_has_ids_of_its_own(whole: str) -> None:
    elements = read(whole)
    tags = [tag for tag, _ in elements]
    assert tags.count("svg") == tags.count("figure") == tags.count("figcaption") == 5
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert "var(--series-0)" in whole
    assert not re.search(r"#0[0-9]0[0-9]0[0-9]", whole)


def test_the_page_says_what_the_gate_asked_and_what_the_comparison_found(whole: str) -> None:
    assert "It does not pass its gate" in whole
    assert "not met" in whole
    assert "Against live" in whole
    assert "could be chance" in whole
    assert "McNemar" in whole


def test_personal_data_is_masked_wherever_a_review_is_quoted() -> None:
    personal = ["Ring me on 415-555-0133 or write to anna@example.org"] * 3
    answers = make_answers([0, 0, 2], [2, 2, 2], body=personal, title=personal, shop=personal)
    text = page(metrics_of(answers), answers, None, examples="a.parquet")
    assert "415" not in text
    assert "anna@" not in text
    assert "write to [mail]" in text


def test_checkpoints_of_one_name_are_told_apart_by_their_digests() -> None:
    here = make_answers([0, 2], [0, 2], shop=["a", "b"])
    there = dataclasses.replace(here, checkpoint="7" * 64)
    text = page(metrics_of(here, against=compare(here, there)), here, there, examples="a.parquet")
    assert "Against made (777777)" in text


def test_rows_without_labels_or_stars_or_errors_make_a_page_all_the_same() -> None:
    nan = float("nan")
    unlabelled = make_answers([nan, nan], [0, 1], rating=[None, None], shop=[None, None])
    text = page(metrics_of(unlabelled), unlabelled, None, examples="a.parquet")
    assert "None of the reviews has a label of polarity." in text
    read(text)
    perfect = make_answers([0, 2], [0, 2], shop=["a", "b"])
    assert "There are none." in page(metrics_of(perfect), perfect, None, examples="a.parquet")
