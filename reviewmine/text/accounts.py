"""Numbers of accounts and persons that carry their own check: IBAN, Chinese identity numbers, payment cards."""

import re
from itertools import accumulate
from typing import Final

from reviewmine.text.identifiers import iban_length, is_card, is_chinese_id, is_ean, is_iban
from reviewmine.text.rule import Part, Rule, names_a_thing, words_before

_IBAN = re.compile(r"(?<![A-Za-z0-9])(?=([A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,28}))", re.ASCII)
"""A candidate at every start, since words before and after an IBAN may belong to a match as well."""

_CHINESE_ID = re.compile(
    r"(?<![A-Za-z0-9])(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])\d{4}([ -]?)"
    r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\1\d{3}[\dXx](?![A-Za-z0-9])",
    re.ASCII,
)
"""Province (GB/T 2260), district, date of birth, running number and check character."""

_CARD = re.compile(
    r"(?<![\w.,=/-])(?:\d{13,19}|\d{3,13}(?:([ .-])\d{3,13})(?:\1\d{1,13}){0,5})(?![\w-]|\.\d)", re.ASCII
)
"""One run of digits, or groups with the same sign between them as they are embossed: three digits or more in each
but the last, which tells a card from a list of sizes. The value of a link's parameter is a number of the shop."""

_CARD_BEFORE = re.compile(
    r"(?:\b(?:card|visa|mastercard|amex)|卡)\W{0,3}(?:no|number|号码?)?\W{0,3}$", re.IGNORECASE
)


def _iban(match: re.Match[str]) -> Part | None:
    """The candidate begins with an IBAN or does not; other words may follow within it."""
    candidate = match[1]
    wanted = iban_length(candidate[:2].upper())
    if not wanted:
        return None
    end = seen = 0
    while seen < wanted and end < len(candidate):
        seen += candidate[end].isalnum()
        end += 1
    after = match.string[match.start() + end : match.start() + end + 1]
    compact = re.sub("[ -]", "", candidate[:end]).upper()
    if (after.isascii() and after.isalnum()) or not is_iban(compact):
        return None
    return match.start(), match.start() + end


def _chinese_id(match: re.Match[str]) -> Part | None:
    return match.span() if is_chinese_id(re.sub("[ -]", "", match[0])) else None


def _card(match: re.Match[str]) -> Part | None:
    """The groups that make a card; one group before it or behind may be a number of its own, such as a year."""
    if names_a_thing(match):
        return None
    groups = [group.span() for group in re.finditer(r"\d+", match[0])]
    totals = [0, *accumulate(end - start for start, end in groups)]
    spans = ((first, end) for first in (0, 1) for end in (len(groups), len(groups) - 1))
    for first, end in spans:
        if first >= end or not 13 <= totals[end] - totals[first] <= 19:
            continue
        start, stop = groups[first][0], groups[end - 1][1]
        digits = re.sub(r"\D", "", match[0][start:stop])
        if is_card(digits) and (not is_ean(digits) or _CARD_BEFORE.search(words_before(match))):
            return match.start() + start, match.start() + stop
    return None


IBAN: Final = Rule(_IBAN, "[iban]", _iban)
CHINESE_ID: Final = Rule(_CHINESE_ID, "[id]", _chinese_id)
CARD: Final = Rule(_CARD, "[card]", _card)
