"""Traits of texts that networks stumble over: emoji, negation, typing errors; found by rules, and rules miss cases."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from reviewmine.examples.noise import slips_of
from reviewmine.text.characters import PICTURE

COMMON_AT_LEAST: Final = 20
"""Rows that use a word, from which on a much rarer word that is one slip away from it counts as a typing error."""
_RARE_AT_MOST: Final = 2
_SHORTEST_WORD: Final = 5

_EMOJI = re.compile(rf"{PICTURE}|[:;=]['-]?[)(DPp](?![A-Za-z0-9])")
_NEGATION = re.compile(
    r"\b(?:no|not|never|none|nothing|nobody|neither|nor|cannot|without|hardly|barely"
    r"|nicht|keine?[nr]?|nie|niemals|nichts|ohne|ne|pas|jamais|rien|aucune?|sans"
    r"|nunca|nada|ningún|sin|não|nem|non|mai|niente|senza)\b|n['’]t\b|\bn['’]|[不没沒无無别非]",
    re.IGNORECASE,
)
"""English, German, French, Spanish, Portuguese, Italian, Chinese."""
_WORD = re.compile(r"[a-z]+")
_STRETCHED = re.compile(r"([a-z])\1\1")


def with_emoji(texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which texts [N] hold an emoji or a typed smile."""
    return np.array([_EMOJI.search(text) is not None for text in texts], dtype=np.bool_)


def with_negation(texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which texts [N] negate something, by the little words of six European languages and Chinese."""
    return np.array([_NEGATION.search(text) is not None for text in texts], dtype=np.bool_)


def with_typos(texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which texts [N] hold what looks like a typing error in words of the letters a to z.

    That is a word in almost no text, one slip of the keyboard away from one that many texts use; or a letter typed
    three times over. What is common is taken from the texts themselves, so more texts find more errors.
    """
    words = [set(_WORD.findall(text.lower())) for text in texts]
    num_texts = Counter(word for found in words for word in found)
    common = [word for word, count in num_texts.items() if count >= COMMON_AT_LEAST]
    slips = {slip for word in common if len(word) >= _SHORTEST_WORD for slip in slips_of(word)}
    wrong = {word for word in slips if 0 < num_texts[word] <= _RARE_AT_MOST}
    return np.array(
        [
            bool(found & wrong) or _STRETCHED.search(text.lower()) is not None
            for text, found in zip(texts, words, strict=True)
        ],
        dtype=np.bool_,
    )
