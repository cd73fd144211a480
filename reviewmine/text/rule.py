"""Rules of masking: what to look for in a text, which part of it goes, and what stands in its place."""

import re
from collections.abc import Callable
from dataclasses import dataclass

Part = tuple[int, int]
"""Half-open, in code points of the text that was searched."""


def whole(match: re.Match[str]) -> Part | None:
    return match.span()


@dataclass(frozen=True)
class Rule:
    """A pattern, the placeholder, which is shorter than anything it replaces, and the part of a match that goes.

    `part` answers None where a match turns out to be harmless. Patterns run in time linear in the text.
    """

    pattern: re.Pattern[str]
    placeholder: str
    part: Callable[[re.Match[str]], Part | None] = whole

    def parts(self, text: str) -> list[Part]:
        """What of the text the placeholder is to stand for, in order; a part that begins in another is left out."""
        found: list[Part] = []
        for match in self.pattern.finditer(text):
            part = self.part(match)
            if part is not None and (not found or part[0] >= found[-1][1]):
                found.append(part)
        return found


def words_before(match: re.Match[str]) -> str:
    """The few characters before a match, in which a word may say what the number is."""
    return match.string[max(0, match.start() - 24) : match.start()]


_THINGS = (
    r"\b(?:order|tracking|shipment|parcel|consignment|waybill|serial|model|part|article|item|catalogue?|sku|isbn|upc|ean"
    r"|asin|imei|invoice|case|ticket|ref|reference|lot|batch|bar ?code|code|[sp]/?n)"
    r"|订单|单号|编号|型号|货号|快递|物流|序列号|零件|条形?码|扫码|批号"
)
_THING_BEFORE = re.compile(
    rf"(?:{_THINGS})[^\w\n]{{0,3}}(?:(?:no|number|num|nr|id|code|is|was|号码?|是)?[^\w\n]{{0,3}}){{2}}$",
    re.IGNORECASE,
)
_THING_BEHIND = re.compile(rf",? (?:is|was|as) (?:(?:the|my|our|an?) )?(?:{_THINGS})", re.IGNORECASE)


def names_a_thing(match: re.Match[str]) -> bool:
    """Whether the words before a number, or those behind it, say that it is one of a thing and not of a person."""
    behind = _THING_BEHIND.match(match.string, match.end())
    return behind is not None or _THING_BEFORE.search(words_before(match)) is not None
