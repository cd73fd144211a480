"""Folding: characters that mean the same become the same, those that show nothing go, and none grows.

This is the part of NFKC that keeps the meaning: fullwidth and styled letters, halfwidth katakana, curly
quotes and composed accents are folded; superscripts, fractions, ligatures and circled digits are left alone.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from reviewmine.text.characters import JOINABLE, PICTURE, SELECTABLE, SHAPED

_PLAIN = {
    "'": "\u2018\u2019\u201b\u02bc\u2032\x91\x92",
    '"': "\u201c\u201d\u201e\u201f\u2033\x93\x94",
    "-": "\u2010\u2011\u2212\x96\x97",
    " ": "\u115f\u1160\u2800\u3164\uffa0",
}
"""Plain character -> what is folded to it. The C1 controls are Windows-1252 once read as Latin-1."""

_WIDE_AND_STYLED = (*range(0xFF01, 0xFF5F), *range(0xFF61, 0xFFA0), *range(0x1D400, 0x1D800))
_SURROGATES = range(0xD800, 0xE000)
_INVISIBLE = (
    "\x00-\x08 \x0e-\x1b \x7f-\x84 \x86-\x90 \x95-\x95 \x98-\x9f \xad-\xad \u034f-\u034f \u061c-\u061c "
    "\u180e-\u180e \u200b-\u200b \u200e-\u200f \u202a-\u202e \u2060-\u206f \ufe00-\ufe0d \ufeff-\ufeff "
    "\ufff9-\ufffc \ufffe-\uffff"
)


def _folding() -> Iterator[tuple[int, str | None]]:
    """Code point -> its plain form of one character, or None for what shows nothing."""
    for code in _WIDE_AND_STYLED:
        plain = unicodedata.normalize("NFKC", chr(code))
        if len(plain) == 1:
            yield code, plain
    for plain, variants in _PLAIN.items():
        yield from ((ord(variant), plain) for variant in variants)
    yield from ((code, "\ufffd") for code in _SURROGATES)
    for ends in _INVISIBLE.split(" "):
        yield from ((code, None) for code in range(ord(ends[0]), ord(ends[2]) + 1))


def _run_of(codes: Iterable[int]) -> re.Pattern[str]:
    """A run of these code points, as a class of ranges: one of single characters is slow to test."""
    ranges: list[list[int]] = []
    for code in sorted(codes):
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return re.compile("[" + "".join(f"{re.escape(chr(a))}-{re.escape(chr(b))}" for a, b in ranges) + "]+")


_FOLDING = dict(_folding())
_FOLDABLE = _run_of(_FOLDING)

_FLAG = "\U0001f3f4[\U000e0020-\U000e007f]+"
_ZERO_WIDTH = re.compile(
    f"((?<={JOINABLE})\u200d(?={PICTURE})|(?<={SHAPED})[\u200c\u200d](?={SHAPED})"
    f"|(?<={SELECTABLE})[\ufe0e\ufe0f]|{_FLAG})"
    "|[\u200c\u200d\ufe0e\ufe0f\U000e0000-\U000e007f]+"
)
"""Characters without a width: group 1 where an emoji or a script needs them, stray ones otherwise."""

_ACCENTED = re.compile(
    "[A-Za-z\u00c0-\u024f\u0370-\u04ff\u1e00-\u1fff\u3041-\u30ff][\u0300-\u036f\u3099\u309a]{1,3}"
)
_APOSTROPHE = re.compile("(?<=[A-Za-z])[`\u00b4](?=[A-Za-z])")


def fold(text: str) -> str:
    """The text in plain characters, never longer; linear in its length."""
    if not (text.isascii() and text.isprintable()):
        text = _FOLDABLE.sub(lambda match: match[0].translate(_FOLDING), text)
    if not text.isascii():
        text = _ZERO_WIDTH.sub(lambda match: match[1] or "", text)
        text = _ACCENTED.sub(lambda match: unicodedata.normalize("NFC", match[0]), text)
    if "`" in text or "\u00b4" in text:
        text = _APOSTROPHE.sub("'", text)
    return text
