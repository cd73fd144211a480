"""Masking: what identifies a person or an account leaves a summary, and the numbers of products stay.

Every rule replaces what it finds by a placeholder that is never longer, and finds nothing in a masked text.
Where a number has a check digit, it is checked; where it has none, its grouping or the words before it decide.
"""

import re
from collections.abc import Callable
from typing import Final

from reviewmine.text.identifiers import iban_length, is_card, is_chinese_id, is_iban, is_ipv4, is_ipv6

_Replace = Callable[[re.Match[str]], str]


# Addresses ----------------------------------------------------------------------------------------------

_MAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,254}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])"
)
_LINK = re.compile(
    r"(?<![A-Za-z0-9.-])(?:(?i:https?|ftp)://(?:[^\s/@]{1,128}@)?)?(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?::\d{1,5})?"
    r"[/?#][^\s\"'<>，。]*"
)
_SECRET_OF_LINK = re.compile(
    r"(?i:[?&#;][\w.-]{0,32}(?:token|key|sig|signature|auth|session|sid|secret|password|pwd|otp|jwt|code)(?:[_-]?id)?=)"
    r"|[/=](?=[A-Za-z_]{0,24}\d)[A-Za-z0-9_]{24}|[0-9a-f]{8}-[0-9a-f]{4}-|//[^/\s]{1,128}@"
)
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)", re.ASCII)
_IPV6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f:]{6,39}(?![\w:]))[0-9A-Fa-f:]{6,39}", re.ASCII)
_VERSION_BEFORE = re.compile(
    r"(?:\b(?:v|ver|version|release|firmware|software|driver|build|update|ios|android|windows|bios)"
    r"|版本|固件|系统)[\s.:v]{0,3}$",
    re.IGNORECASE,
)


def _masked_link(match: re.Match[str]) -> str:
    return "[url]" if _SECRET_OF_LINK.search(match[0]) else match[0]


def _masked_ipv4(match: re.Match[str]) -> str:
    return "[ip]" if is_ipv4(match[0]) and not _VERSION_BEFORE.search(_before(match)) else match[0]


def _masked_ipv6(match: re.Match[str]) -> str:
    return "[ip]" if is_ipv6(match[0]) else match[0]


def _before(match: re.Match[str]) -> str:
    """The few characters before a match, in which a word may say what the number is."""
    return match.string[max(0, match.start() - 24) : match.start()]


# Accounts -----------------------------------------------------------------------------------------------

_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,28}")
_CHINESE_ID = re.compile(
    r"(?<![A-Za-z0-9])[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![A-Za-z0-9])"
)
_CARD = re.compile(r"(?<![\w.,-])\d(?:[ -]?\d){13,18}(?![\w-])", re.ASCII)
_NUMBER_OF_A_THING = re.compile(
    r"(?:\b(?:order|tracking|serial|model|part|sku|isbn|upc|ean|asin|imei|invoice|case|ticket|ref|reference)"
    r"|订单|单号|编号|型号|货号|快递|序列号)\W{0,3}(?:(?:no|number|num|nr|id|code|is|was|号)?\W{0,3}){2}$",
    re.IGNORECASE,
)


def _names_a_thing(match: re.Match[str]) -> bool:
    return _NUMBER_OF_A_THING.search(_before(match)) is not None


def _masked_iban(match: re.Match[str]) -> str:
    """The match begins with an IBAN or does not; words in capitals may follow within it."""
    candidate, wanted = match[0], iban_length(match[0][:2])
    end = seen = 0
    while seen < wanted and end < len(candidate):
        seen += candidate[end] != " "
        end += 1
    rest = candidate[end:] + match.string[match.end() : match.end() + 1]
    if rest[:1].isalnum() or not is_iban(candidate[:end].replace(" ", "")):
        return candidate
    return "[iban]" + candidate[end:]


def _masked_chinese_id(match: re.Match[str]) -> str:
    return "[id]" if is_chinese_id(match[0]) else match[0]


def _masked_card(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    return "[card]" if is_card(digits) and not _names_a_thing(match) else match[0]


# Telephones ---------------------------------------------------------------------------------------------

_INTERNATIONAL = r"(?:(?<!\+)\+|(?<![\w+])00(?=[1-9]))(?:[ .()/-]{0,3}\d){8,15}(?![\d-])"
_NORTH_AMERICAN = (
    r"(?:(?:(?<![\w.,$€£#+/-])1[ .-]?)?\(\d{3}\) ?\d{3}[ .-]\d{4}"
    r"|(?<![\w.,$€£#+/-])(?:1[ .-]?)?(?:\d{3}-\d{3}-\d{4}|\d{3}\.\d{3}\.\d{4}|[2-9]\d\d [2-9]\d\d[ -]\d{4}))"
    r"(?![\w-]|[.,]\d)"
)
_CHINESE_MOBILE = (
    r"(?<![\w.,$€£¥#+/-])(?:86[ -]?)?1[3-9]\d(?:\d{8}|([ -])\d{4}\1\d{4})(?![A-Za-z0-9-]|[.,]\d)"
)
_TRUNK = (
    r"(?:\(0\d{1,4}\) ?\d{2,8}|(?<![\w.,$€£#+/-])(?!\d\d[./-]\d\d[./-](?:19|20)\d\d(?!\d))"
    r"(?:0\d{1,4}[ /.-]\d{2,8}|07\d{3}(?=\d{6}(?!\d))))(?:[ .-]?\d{2,8}){0,4}(?<![ .-]\d{3})(?![\w-]|[.,/]\d)"
)
_CALLED = (
    r"(?P<call>\b(?i:call|text|ring|dial|whatsapp|tel|telephone|fax|hotline"
    r"|phone (?:number|no)|(?:my|cell|mobile) (?:number|no))"
    r"(?i:[ .:#]{1,2}(?:me|us|him|her|them|now|at|on|is|number|no)){0,4}[ .:#]{0,3}"
    r"|(?:电话|手机号码?|致电)[是为:：]{0,2} ?)"
    r"(?!\d{4}-\d\d-\d\d(?!\d))\d(?:[ .-]?\d){6,14}(?![\w-]|[.,]\d)"
)


def _masked_phone(match: re.Match[str]) -> str:
    num_digits = sum(character.isdigit() for character in match[0])
    if not 8 <= num_digits <= 15 or _names_a_thing(match):
        return match[0]
    return "[phone]"


def _masked_trunk(match: re.Match[str]) -> str:
    num_digits = sum(character.isdigit() for character in match[0])
    return _masked_phone(match) if 9 <= num_digits <= 12 else match[0]


# All together -------------------------------------------------------------------------------------------

_Rule = tuple[re.Pattern[str], _Replace | str]

_WORDY_RULES: Final[tuple[tuple[re.Pattern[str], _Rule], ...]] = (
    (re.compile(r"\.[A-Za-z]{2,24}(?::\d{1,5})?[/?#]"), (_LINK, _masked_link)),
    (re.compile("@"), (_MAIL, "[mail]")),
    (re.compile(r"\d\.\d{1,3}\.\d"), (_IPV4, _masked_ipv4)),
    (re.compile("[0-9A-Fa-f:]:[0-9A-Fa-f:]"), (_IPV6, _masked_ipv6)),
)
"""(what the text must hold for the rule to matter, the rule), in order."""

_MANY_DIGITS = re.compile(r"(?:\d\D{0,3}){7}")

_NUMBER_RULES: Final[tuple[_Rule, ...]] = (
    (_IBAN, _masked_iban),
    (_CHINESE_ID, _masked_chinese_id),
    (_CARD, _masked_card),
    (re.compile(_CALLED, re.ASCII), lambda match: match["call"] + "[phone]"),
    (re.compile(_INTERNATIONAL, re.ASCII), _masked_phone),
    (re.compile(_NORTH_AMERICAN, re.ASCII), _masked_phone),
    (re.compile(_CHINESE_MOBILE, re.ASCII), _masked_phone),
    (re.compile(_TRUNK, re.ASCII), _masked_trunk),
)
"""Rules for texts with many digits close together, in order: the longest numbers first."""


def mask(text: str) -> str:
    """The text with [url], [mail], [iban], [id], [card], [ip] and [phone] in place of what these stand for."""
    masked = _mask_once(text)
    while masked != text:
        # A number glued to another shows when that one is gone; each round leaves fewer digits.
        text, masked = masked, _mask_once(masked)
    return masked


def _mask_once(text: str) -> str:
    for needed, (pattern, replace) in _WORDY_RULES:
        if needed.search(text):
            text = pattern.sub(replace, text)
    if _MANY_DIGITS.search(text):
        for pattern, replace in _NUMBER_RULES:
            text = pattern.sub(replace, text)
    return text
