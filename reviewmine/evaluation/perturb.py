"""Perturbations: the small changes of a text that should not change what is read in it, seeded and repeatable."""

import re
from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa

from reviewmine.evaluation.answers import is_readable
from reviewmine.examples.noise import slipped, with_picture, without_some_words

Perturbation = Callable[[str, np.random.Generator], str]

_PICTURES: Final = ("🎁", "🔧", "💡", "🧳", "🪑", "👟")
"""None of those that training texts may get, or it would have learnt the very change that it is tried with."""
_FULL_WIDTH_MARKS = "，。！？；：、…「」『』（）《》“”"
_MARK = re.compile(rf"[.,;:!?\"'’)\]]{{1,32}}(?=\s|$)|(?:(?<=\s)|^)[\"'‘(\[]{{1,32}}|[{_FULL_WIDTH_MARKS}]+")


def _in_one_case(text: str, rng: np.random.Generator) -> str:
    return text.upper() if rng.random() < 0.5 else text.lower()


def _with_emoji(text: str, rng: np.random.Generator) -> str:
    return with_picture(text, rng, _PICTURES)


def _without_punctuation(text: str, rng: np.random.Generator) -> str:
    return _MARK.sub(" ", text)


PERTURBATIONS: Final[dict[str, Perturbation]] = {
    "typos": slipped,
    "case": _in_one_case,
    "emoji_added": _with_emoji,
    "words_dropped": without_some_words,
    "punctuation_dropped": _without_punctuation,
}
"""Slips in one of eight longer words; all capitals or none; an emoji without a mood at the end; one of ten words left
out, never a negation; no marks around words, those inside links and numbers left alone."""


def perturbed(examples: pa.Table, perturbation: str, *, seed: int = 0) -> pa.Table:
    """The examples with titles and bodies changed by one of PERTURBATIONS, the same for the same seed and rows.

    A text of which a change would leave nothing to read stays as it was.
    """
    change = PERTURBATIONS[perturbation]
    rng = np.random.default_rng([seed, list(PERTURBATIONS).index(perturbation)])

    def changed(text: str | None) -> str | None:
        found = text and change(text, rng)
        return found if is_readable(found) else text

    for name in ("title", "body"):
        texts = pa.array([changed(text) for text in examples[name].to_pylist()], pa.string())
        examples = examples.set_column(examples.schema.get_field_index(name), name, texts)
    return examples
