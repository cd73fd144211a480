"""Cleaning: what a review says, without the markup, noise and invisible characters it arrived in.

Three promises hold for every text: cleaning what is clean changes nothing, the result is never longer than
what it came from, and the time is linear in the length. Words, case, negation, emoji and digits survive, in
their order. A change of what `clean` returns is a new CLEAN_VERSION: checkpoints are bound to it.
"""

import html
import re
from html.entities import html5
from typing import Final

from reviewmine.text.characters import BLOCK_TAGS, ENTITY, INLINE_TAGS, SILENT, TAG, URL, has_url
from reviewmine.text.fold import fold

CLEAN_VERSION: Final = 1

_MAX_LAYERS = 8
"""Layers of escaping that are peeled off one by one; real archives have two or three."""

_ESCAPED_AMPERSAND = re.compile(r"&(?:(?:amp|#0{0,4}38|#[xX]0{0,4}26);)+")

_REPEATED = re.compile(r"([^\d\s*★☆⭐xX])\1{3,}")
"""Four or more of one character, but for digits, stars (they count) and x (it stands for sizes and blanks)."""

_REPEATED_STAR = re.compile(r"([*★☆⭐])\1{5,}")


def clean(text: str) -> str:
    """The text in normal form: one line, plain characters, no markup, no URLs."""
    for _ in range(_MAX_LAYERS):
        peeled = _peel(text)
        if peeled == text:
            return text
        text = peeled
    # Nothing but hostile nesting unfolds for ever; without these two characters there is nothing to unfold.
    return clean(text.replace("&", " ").replace("<", " "))


def _peel(text: str) -> str:
    """The text without its outer layer of markup; each step is skipped where a cheap test rules it out."""
    if "&" in text:
        text = ENTITY.sub(_decoded, _ESCAPED_AMPERSAND.sub("&", text))
    text = fold(text)
    if "<" in text:
        text = TAG.sub(_without_tag, SILENT.sub(" ", text))
    if has_url(text):
        text = URL.sub(" ", text)
    text = _REPEATED_STAR.sub(r"\1\1\1\1\1", _REPEATED.sub(r"\1\1\1", text))
    return " ".join(text.split())


def _decoded(match: re.Match[str]) -> str:
    entity = match[0]
    return html.unescape(entity) if entity[1] == "#" else html5.get(entity[1:], entity)


def _without_tag(match: re.Match[str]) -> str:
    name = match[1].lower()
    if name in INLINE_TAGS:
        return ""
    return " " if name in BLOCK_TAGS else match[0]
