"""Telephone numbers: they have no check digit, so their grouping or the words before them decide."""

import re
from typing import Final

from reviewmine.text.rule import Part, Rule, names_a_thing

_BEGINS = r"(?:(?<=\d{4}/)|(?<![\w.,$€£¥#+/-]))"
"""Not within a word, a longer number or an amount of money; a slash may join it to another number as long as it."""

_ENDS = r"(?![\w-]|[.,]\d)"

_INTERNATIONAL = re.compile(
    r"(?:\((?=\+\d{1,4}\)))?(?:(?<!\+)\+|(?<![\w.,+])(?<!\d[ -])(?:00|011[ -])(?=[1-9]))"
    r"(?:[ .()/-]{0,3}\d){8,15}(?![\d-])",
    re.ASCII,
)
_TEN_DIGITS = re.compile(
    rf"(?:(?:{_BEGINS}[18][ .-]?)?\(\d{{3}}\) ?\d{{3}}(?:[ .-]?\d{{4}}|[ -]\d\d[ -]\d\d)"
    rf"|{_BEGINS}(?:1[ .-]?)?(?:\d{{3}}-\d{{3}}-\d{{4}}|\d{{3}}\.\d{{3}}\.\d{{4}}|\d{{3}} - \d{{3}} - \d{{4}}"
    r"|[2-9]\d\d[ /][2-9]\d\d[ -]\d{4}|[2-9][0-8]\d[ -][2-9]\d{6}))"
    rf"{_ENDS}",
    re.ASCII,
)
"""Area code, exchange and line of North America, and with the area code in brackets of Russia as well."""

_CHINESE_MOBILE = re.compile(
    rf"{_BEGINS}(?:86[ -]?)?1[3-9]\d(?:[ .-]?\d{{4}}[ .-]?\d{{4}}|([ .-])\d{{3}}\1\d{{5}})(?![A-Za-z0-9-]|[.,]\d)",
    re.ASCII,
)
_TRUNK = re.compile(
    rf"(?:\(0\d{{1,4}}\) ?\d{{2,8}}|{_BEGINS}(?<!\d[ -])(?!\d\d[ ./-]\d\d[ ./-](?:19|20)\d\d(?!\d))"
    r"(?:0\d{1,4}[ /.-]\d{2,8}|07\d{3}(?=\d{6}(?!\d))))(?:[ .-]?\d{2,8}){0,4}(?![\w-]|[.,/]\d)",
    re.ASCII,
)
_CALLED = re.compile(
    r"(?P<call>\b(?i:call|text|ring|dial|phone|contact|whatsapp|sms|tel|telephone|fax|hotline"
    r"|reach (?:me|us|him|her|them)|phone (?:number|no)|(?:my|cell|mobile) (?:number|no))"
    r"(?i:[ .:#]{1,2}(?:me|us|him|her|them|now|at|on|is|number|no)){0,4}[ .:#]{0,3}"
    r"|(?:电话|手机|致电|拨打|来电|热线|联系方式|联系|微信)(?:号码?)?[是为:：]{0,2} ?)"
    r"(?!\d{4}-\d\d-\d\d(?!\d))\d(?:[ .-]?\d){6,14}(?![\w-]|[.,]\d)",
    re.ASCII,
)
_SAID_TO_BE_ONE = re.compile(
    r"(?<![\w.,$€£¥#+/-])\d(?:[ .-]?\d){6,14}"
    r"(?=,? (?i:is|was) (?i:my|his|her|our|their|your) (?:[a-z]{1,12} )?(?i:number)\b)",
    re.ASCII,
)


def _telephone(match: re.Match[str]) -> Part | None:
    return match.span() if 8 <= _num_digits(match[0]) <= 15 and not names_a_thing(match) else None


def _called(match: re.Match[str]) -> Part | None:
    return match.end("call"), match.end()


def _trunk(match: re.Match[str]) -> Part | None:
    """A national number with its trunk zero.

    Pairs are a telephone where there are five of them with the same sign between: other pairs are dates and hours.
    Three digits in front and three at the end are thousands, unless in brackets; no thousands begin with four.
    """
    groups = re.findall(r"\d+", match[0])
    lengths = [len(group) for group in groups]
    if set(lengths) == {2} and (len(groups) != 5 or len(set(re.findall(r"\D", match[0]))) > 1):
        return None
    if lengths[0] <= 3 and lengths[-1] == 3 and not match[0].startswith("("):
        return None
    return _telephone(match) if 9 <= sum(lengths) <= 12 else None


def _num_digits(text: str) -> int:
    return sum(character.isdigit() for character in text)


TELEPHONES: Final = (
    Rule(_INTERNATIONAL, "[phone]", _telephone),
    Rule(_TEN_DIGITS, "[phone]", _telephone),
    Rule(_CHINESE_MOBILE, "[phone]", _telephone),
    Rule(_TRUNK, "[phone]", _trunk),
    Rule(_CALLED, "[phone]", _called),
    Rule(_SAID_TO_BE_ONE, "[phone]", _telephone),
)
"""In order: what needs a word that tells comes last."""
