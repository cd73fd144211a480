"""Masking: what identifies a person or an account leaves a summary, and the numbers of products stay.

Every rule replaces what it finds by a placeholder that is never longer, and finds nothing in a masked text.
Where a number has a check digit, it is checked; where it has none, its grouping or the words before it decide.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from reviewmine.text.accounts import CARD, CHINESE_ID, IBAN
from reviewmine.text.addresses import IPV4, IPV6, LINK, MAIL
from reviewmine.text.rule import Part, Rule
from reviewmine.text.telephones import TELEPHONES

_PLAIN: Final = {
    **{
        code: code - 0xFEE0
        for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))
    },
    **str.maketrans("＋－．＠（）＿", "+-.@()_"),
    **str.maketrans("\u2010\u2011\u2012\u2013\u2212", "-----"),
    **str.maketrans("\xa0\u2007\u2009\u202f\u3000", "     "),
}
"""One character for one: digits, letters and joints as other keyboards type them. Commas, colons and slashes of
Chinese text are not among them, since there they stand between words and not within a number."""

_WORDY_RULES: Final[tuple[tuple[re.Pattern[str], Rule], ...]] = (
    (re.compile(r"://|\.[^\W\d_]{2,24}(?::\d{1,5})?[/?#]"), LINK),
    (re.compile("@"), MAIL),
    (re.compile(r"\d\.\d{1,3}\.\d"), IPV4),
    (re.compile("[0-9A-Fa-f:]:[0-9A-Fa-f:]"), IPV6),
    (re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d\d[ -]?[A-Za-z0-9]{3}"), IBAN),
)
"""(what the text must hold for the rule to matter, the rule), in order."""

_MANY_DIGITS = re.compile(r"(?:\d\D{0,3}){7}")

_NUMBER_RULES: Final = (CHINESE_ID, CARD, *TELEPHONES)
"""Rules for texts with many digits close together, in order: the longest numbers first."""


def mask(text: str) -> str:
    """The text with [url], [mail], [iban], [id], [card], [ip] and [phone] in place of what these stand for."""
    masked = _mask_once(text)
    while masked != text:
        # A number glued to another shows when that one is gone; each round leaves fewer digits.
        text, masked = masked, _mask_once(masked)
    return masked


def mask_error(error: BaseException) -> None:
    """Mask the messages of an exception, and of those that led to it, in place.

    Libraries quote the text that they choke on, and whoever catches the exception last prints it.
    """
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        with suppress(AttributeError):  # some exceptions do not let their arguments be changed
            one.args = tuple(mask(value) if isinstance(value, str) else value for value in one.args)
        waiting += (one.__cause__, one.__context__)


def _mask_once(text: str) -> str:
    """The rules search the text in plain characters, and what they do not mask stays as it was typed."""
    plain = text if text.isascii() else text.translate(_PLAIN)
    rules = [rule for needed, rule in _WORDY_RULES if needed.search(plain)]
    if _MANY_DIGITS.search(plain):
        rules += _NUMBER_RULES
    for rule in rules:
        if parts := rule.parts(plain):
            text = _replaced(text, parts, rule.placeholder)
            plain = _replaced(plain, parts, rule.placeholder)
    return text


def _replaced(text: str, parts: Sequence[Part], placeholder: str) -> str:
    pieces: list[str] = []
    end = 0
    for start, stop in parts:
        pieces += (text[end:start], placeholder)
        end = stop
    return "".join([*pieces, text[end:]])
