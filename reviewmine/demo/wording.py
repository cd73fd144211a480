"""From templates to words: choices, slots, and the marks that hurried people leave in what they type."""

import random
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import TypeVar

T = TypeVar("T")

_INNERMOST = re.compile(r"\{([^{}]*)\}")
_LETTERS = re.compile(r"[a-z]{4,}")


class Chance:
    """A seeded source of choices that is the same under every Python: only `random()` is promised to be."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def share(self) -> float:
        """A number in [0, 1)."""
        return self._random.random()

    def happens(self, probability: float) -> bool:
        return self.share() < probability

    def below(self, bound: int) -> int:
        """A whole number in [0, bound)."""
        return int(self.share() * bound)

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]

    def weighted(self, weights: Mapping[T, float]) -> T:
        """A key of `weights`, as often as its weight among all says."""
        left = self.share() * sum(weights.values())
        for choice, weight in weights.items():
            left -= weight
            if left < 0:
                return choice
        return choice

    def some(self, choices: Sequence[T], num: int) -> list[T]:
        """`num` different choices, or all there are, in random order."""
        rest = list(choices)
        return [rest.pop(self.below(len(rest))) for _ in range(min(num, len(rest)))]


def expand(template: str, slots: Mapping[str, Sequence[str]], chance: Chance) -> str:
    """One reading of a template: `{a|b|}` is a choice, `{@name}` a filler of that slot, innermost braces first.

    Raises KeyError for a slot that is not there.
    """
    text = template
    while found := _INNERMOST.search(text):
        inside = found[1]
        choices = slots[inside[1:]] if inside.startswith("@") else inside.split("|")
        text = text[: found.start()] + chance.pick(choices) + text[found.end() :]
    return tidy(text)


def tidy(text: str) -> str:
    """`text` with single spaces, none before punctuation, no doubled commas and stops, and a capital after stops."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\s+([,.!?;:])", r"\1", text)
    text = re.sub(r"([,:;]+)([,.!?;:])", r"\2", text)
    text = re.sub(r"([.!?])\.(?!\.)", r"\1", text)
    return re.sub(r"([.!?] )([a-z])", lambda found: found[1] + found[2].upper(), text)


def opening_capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def after_a_turn(turn: str, sentence: str) -> str:
    """`sentence` behind a word such as "However," and no longer with a capital, unless its first word keeps it."""
    first = re.split(r"[ ,]", sentence, maxsplit=1)[0]
    keeps = first == "I" or (not first[1:].islower() and first != "A")
    return f"{turn} {sentence if keeps else sentence[:1].lower() + sentence[1:]}"


def mistyped(text: str, chance: Chance) -> str:
    """`text` with one or two slips of the finger, in words of four or more small letters."""
    for _ in range(1 + chance.below(2)):
        words = list(_LETTERS.finditer(text))
        if not words:
            return text
        word = chance.pick(words)
        at = word.start() + 1 + chance.below(len(word[0]) - 2)
        swapped = text[at + 1] + text[at]
        slip = chance.pick((swapped, text[at : at + 1] * 2 + text[at + 1], text[at + 1]))
        text = text[:at] + slip + text[at + 2 :]
    return text


def careless(text: str, chance: Chance) -> str:
    """`text` as typed on a telephone in a hurry: without capitals, apostrophes, or most of its commas."""
    text = text.lower().replace("'", "")
    if chance.happens(0.5):
        text = text.replace(", ", chance.pick((" ", ",", " ,")))
    return text.rstrip(".") if chance.happens(0.6) else text


def as_html(sentences: Sequence[str], chance: Chance) -> str:
    """`sentences` as a shop's editor stores them: escaped, with breaks or paragraphs, now and then a bold one."""
    lines = [escape(sentence).replace("&#x27;", "&#39;") for sentence in sentences]
    if chance.happens(0.4):
        at = chance.below(len(lines))
        lines[at] = f"<b>{lines[at]}</b>"
    if chance.happens(0.3):
        return "".join(f"<p>{line}</p>" for line in lines)
    return chance.pick(("<br />", "<br><br>", " <br/> ")).join(lines)
