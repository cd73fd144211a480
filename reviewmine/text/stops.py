"""Stops: whether a full stop, an exclamation, an ellipsis or an emoji ends the sentence it stands in.

The rules are for reviews as people type them: no capitals, no space after the stop, a smile for a full stop.
In doubt a full stop after a whole word ends the sentence, and one after an abbreviation does not.
"""

import re
from typing import Final

from reviewmine.text.characters import IDEOGRAPH

_MARK = r"[.!?…。！？；｡．]"
_CLOSER = r"(?:[\"'’”»)\]}）】」』》]|</(?i:a|b|em|font|i|span|strong|u)>)"
_FACE = "(?:[\u2600-\u27bf\u2b50\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff][\ufe0e\ufe0f\u200d]*)"
_EMOTICON = r"(?:[:;=]['-]?[)(DPp](?![A-Za-z0-9]))"
_SMILE = f"(?:{_FACE}|{_EMOTICON})"

STOP_START: Final = rf"{_MARK}|{_FACE}|{_EMOTICON}"
"""Where a STOP may begin."""

STOP: Final = re.compile(
    rf"(?P<mark>{_MARK}+(?:[ ]{{1,2}}{_MARK}+)*)(?P<closers>{_CLOSER}{{0,4}})(?P<smiles>(?:[ ]?{_SMILE})*)"
    rf"|(?P<alone>{_SMILE}(?:[ ]?{_SMILE})*)"
)
"""What may end a sentence: marks with the quotes, brackets and smiles that belong to them, or smiles alone."""

_GAP = re.compile(r"(?:\s|\u200b|&nbsp;?|&#160;?)*")
_OPENING_WORD = re.compile(r"[\s\"'“‘«(\[*-]{0,8}([A-Za-z]+)")
_LAST_WORD = re.compile(r"(?:(?:[A-Za-z]{1,3}\.)+[A-Za-z]{1,3}|(?<![A-Za-z])[A-Za-z]+)$")
_LAST_QUANTITY = re.compile(r"\d\s?[A-Za-z]+$")
_INITIALS = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]|[A-Z]|[Pp]h\.[Dd]")
_PART_OF_A_WORD = re.compile(r"(?:[0-9'’/]|[A-Za-z0-9]-)$")
_CHINESE_LIST_NUMBER = re.compile(r"(?:^|[\s：:；;，,。])[0-9]{1,2}$")
_NEXT_LIST_NUMBER = re.compile(r"[0-9]{1,2}[.)]\s")
_WHO_LOVES = re.compile(r"(?:\b(?:i|we|you|they|who)|[我你们])\s?$", re.IGNORECASE)
_IDEOGRAPH = re.compile(IDEOGRAPH)

# fmt: off
_NEVER_LAST = frozenset({
    "approx", "capt", "cf", "dr", "e.g", "eg", "esp", "excl", "gen", "i.e", "ie", "incl", "lt", "mr", "mrs", "ms",
    "mt", "prof", "resp", "rev", "sgt", "st", "v", "viz", "vs",
})
_BEFORE_NUMBERS = frozenset({"art", "c", "ch", "fig", "model", "no", "nos", "p", "pg", "pp", "pt", "vol"})
_SELDOM_LAST = frozenset({
    "apr", "aug", "ave", "avg", "blvd", "co", "corp", "dec", "dept", "est", "etc", "feb", "inc", "jan", "jr",
    "ltd", "nov", "oct", "qty", "sept", "sr", "temp", "temps",
})
_UNITS = frozenset({
    "cm", "deg", "ft", "gal", "hr", "hrs", "in", "kg", "lb", "lbs", "max", "mg", "mi", "min", "mins", "ml", "mm",
    "mo", "mos", "oz", "pc", "pcs", "qt", "sec", "secs", "sq", "wk", "wks", "yd", "yds", "yr", "yrs",
})
_OPENERS = frozenset({
    "a", "after", "all", "also", "although", "and", "another", "any", "as", "at", "because", "before", "both", "but",
    "can", "definitely", "do", "does", "don", "easy", "even", "every", "everything", "excellent", "for", "had", "has",
    "have", "he", "her", "here", "highly", "his", "how", "however", "great", "i", "if", "in", "it", "its", "just",
    "many", "maybe", "more", "most", "my", "never", "no", "not", "nothing", "now", "of", "on", "one", "only", "or",
    "other", "our", "overall", "perfect", "please", "she", "since", "so", "some", "sounds", "still", "that", "the",
    "then", "there", "these", "they", "this", "those", "though", "to", "too", "unlike", "until", "very", "was", "we",
    "well", "what", "when", "which", "while", "why", "with", "works", "would", "yes", "yet", "you", "your",
})
"""Words that open a sentence far more often than they go on a name: after `U.S.`, `the Army` and not `Army`."""
_DOMAINS = frozenset({"ca", "cn", "co", "com", "de", "edu", "gov", "io", "net", "org", "uk"})
_FILE_ENDINGS = frozenset({
    "asp", "csv", "doc", "exe", "gif", "htm", "html", "ini", "jpeg", "jpg", "js", "pdf", "php", "png", "txt", "wav",
    "wma", "zip",
})
# fmt: on


def ends_sentence(text: str, stop: re.Match[str], sentence_start: int) -> bool:
    """Whether `stop`, a match of STOP in `text`, ends the sentence that begins at `sentence_start`."""
    gap = _GAP.match(text, stop.end())
    follower_at = gap.end() if gap else stop.end()
    follower = text[follower_at : follower_at + 1]
    if not follower or stop["smiles"]:
        return True
    if stop["alone"]:
        return _smile_ends(text, stop.start(), sentence_start, follower)
    mark = stop["mark"]
    goes_on = follower.islower() or follower in ",;:，、："
    if not set(mark).isdisjoint("!?。！？；｡"):
        return not (stop["closers"] and goes_on)
    if len(mark) > 1 or mark == "…":
        return not (goes_on or follower.isdigit())
    if follower_at == stop.end() and not stop["closers"]:
        return _glued_stop_ends(text, stop.start(), sentence_start)
    if stop["closers"] or follower in ",;:":
        return not goes_on
    return _full_stop_ends(text, stop.start(), sentence_start, follower_at)


def _smile_ends(text: str, at: int, sentence_start: int, follower: str) -> bool:
    """An emoji ends what it follows where a capital or a Chinese character begins anew: not in `I ❤ NY`."""
    before = text[max(sentence_start, at - 8) : at].rstrip()
    if not before or _WHO_LOVES.search(before):
        return False
    return follower.isupper() or bool(_IDEOGRAPH.match(follower) and _IDEOGRAPH.match(before[-1]))


def _glued_stop_ends(text: str, at: int, sentence_start: int) -> bool:
    """A stop with no space after it: `great.The battery`, but no decimal, domain, version or address."""
    follower = text[at + 1]
    before = text[max(sentence_start, at - 16) : at]
    if _IDEOGRAPH.match(follower):
        return _CHINESE_LIST_NUMBER.search(before) is None
    if follower in "<&(“":
        return True
    if follower.isdigit():
        return (
            re.search(r"[a-z]{3}$", before) is not None and _NEXT_LIST_NUMBER.match(text, at + 1) is not None
        )
    if not follower.isupper() or _is_list_number(text, at, sentence_start):
        return False
    word = re.compile(r"[\w.+'-]{1,64}").match(text, at + 1)
    after_word = text[word.end() : word.end() + 1] if word else ""
    if word is None or after_word == "@" or word[0].lower() in _DOMAINS:
        return False
    if before and _IDEOGRAPH.match(before[-1]):
        return True
    if re.search(r"[a-z]{2}$|[0-9)]$", before):
        last = _LAST_WORD.search(before)
        return (last is None or last[0].lower() not in _NEVER_LAST) and _opens_glued(word[0])
    if re.search(r"[A-Z]{4}$", before):
        return re.match(r"[A-Z]{2}|[A-Z][a-z']", word[0]) is not None
    return re.search(r"[A-Z]{2}$", before) is not None and re.match(r"[A-Z][a-z']", word[0]) is not None


def _opens_glued(word: str) -> bool:
    """Whether `word`, up to the next space, opens a sentence right after the stop of another: `The`, `I`, `EDIT`."""
    if re.match(r"[IA]\b|[A-Z][a-z']", word):
        return True
    shouted = re.match(r"[A-Z]{2,}(?![A-Za-z0-9])", word)
    return shouted is not None and shouted[0].lower() not in _FILE_ENDINGS


def _full_stop_ends(text: str, at: int, sentence_start: int, follower_at: int) -> bool:
    """A full stop with a space after it, unless an abbreviation, an initial or a list number stands before."""
    follower = text[follower_at]
    if _is_list_number(text, at, sentence_start):
        return False
    before = text[max(sentence_start, at - 16) : at]
    last = _LAST_WORD.search(before)
    word = last[0].lower() if last else ""
    is_part = last is not None and _PART_OF_A_WORD.search(before[: last.start()]) is not None
    if word in _NEVER_LAST:
        return False
    is_initials = last is not None and word != "i" and not is_part and _INITIALS.fullmatch(last[0])
    if word in _BEFORE_NUMBERS and not is_initials:
        return not follower.isdigit()
    if word in _SELDOM_LAST or (word in _UNITS and _LAST_QUANTITY.search(before)):
        return not (follower.islower() or follower.isdigit())
    if is_initials:
        opening = _OPENING_WORD.match(text, follower_at)
        return opening is not None and opening[1][0].isupper() and opening[1].lower() in _OPENERS
    return True


def _is_list_number(text: str, at: int, sentence_start: int) -> bool:
    """`1.` or `a.` at the head of a sentence numbers it."""
    head = text[sentence_start:at].strip() if at - sentence_start <= 8 else ""
    return (head.isdecimal() and len(head) <= 2) or (len(head) == 1 and "a" <= head <= "z")
