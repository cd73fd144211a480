"""Noise: the slips of people who type on phones, put into a share of the training texts so that they cost little.

A slip drops a letter, doubles it, swaps it with the next one, or takes a neighbour on the keyboard; a whole text may
lose its capitals or be shouted. Markup, links and addresses are left alone, since cleaning has to recognise them.
Other texts get a picture or lose some words. Labels stay: nobody changes his mind by a slip, pictures are of things,
and what turns an opinion round is never left out.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

WORDS_PER_SLIP: Final = 8
_SHORTEST_WORD: Final = 4
_LEFT_ALONE_OR_WORD: Final = re.compile(
    r"&#?\w{1,32};|<[^<>]{1,200}>|\S*(?:://|www\.|@)\S*|(?P<word>[A-Za-z]+)"
)
WORDS_PER_DROP: Final = 10
_FEWEST_WORDS: Final = 8
"""Of a text with fewer words none is left out: it may be the one that says it."""
_TURNS: Final = re.compile(r"(?i)(?:no|not|never|none|nothing|hardly|without|but|cannot|\w+n['’]?t)\W*")
_PICTURES: Final = ("📦", "🛒", "📷", "🕒", "📱", "📝")
_ROWS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def noisy(texts: Sequence[str], share: float, rng: np.random.Generator) -> list[str]:
    """`texts`, about a `share` of them with a slip in one of WORDS_PER_SLIP longer words, some in one case."""
    chosen = rng.random(len(texts)) < share
    return [with_slips(text, rng) if noise else text for text, noise in zip(texts, chosen, strict=True)]


def varied(texts: Sequence[str], *, emoji: float, word_drop: float, rng: np.random.Generator) -> list[str]:
    """`texts`, a share `emoji` of them with a picture, and a share `word_drop` without some of their words."""
    pictured, shortened = rng.random((2, len(texts))) < np.array([[emoji], [word_drop]])
    found = [
        without_some_words(text, rng) if short else text for text, short in zip(texts, shortened, strict=True)
    ]
    return [
        with_picture(text, rng) if picture else text for text, picture in zip(found, pictured, strict=True)
    ]


def with_picture(text: str, rng: np.random.Generator, pictures: Sequence[str] = _PICTURES) -> str:
    """`text` with an emoji of a thing, which has no mood, behind it."""
    return f"{text} {pictures[int(rng.integers(len(pictures)))]}"


def without_some_words(text: str, rng: np.random.Generator) -> str:
    """`text` without one in WORDS_PER_DROP of its words, at least one; of a short text, or one without spaces, none."""
    words = list(re.finditer(r"\s*\S+", text))
    may_go = [number for number, word in enumerate(words) if not _TURNS.fullmatch(word[0].strip())]
    if len(words) < _FEWEST_WORDS or len(may_go) < _FEWEST_WORDS:
        return text
    num_dropped = max(1, len(words) // WORDS_PER_DROP)
    gone = set(rng.choice(may_go, size=min(num_dropped, len(may_go) - 1), replace=False).tolist())
    return "".join(word[0] for number, word in enumerate(words) if number not in gone).strip()


def with_slips(text: str, rng: np.random.Generator) -> str:
    """`slipped`, and one text in five in one case."""
    text = slipped(text, rng)
    if rng.random() < 0.2:
        return text.upper() if rng.random() < 0.5 else text.lower()
    return text


def slipped(text: str, rng: np.random.Generator) -> str:
    """`text` with slips in some of its longer words, at least one where it has any."""
    found = _LEFT_ALONE_OR_WORD.finditer(text)
    words = [one for one in found if len(one["word"] or "") >= _SHORTEST_WORD]
    if words:
        num_slips = max(1, len(words) // WORDS_PER_SLIP)
        for number in sorted(rng.choice(len(words), size=num_slips, replace=False), reverse=True):
            word = words[number]
            text = text[: word.start()] + _slip(word[0], rng) + text[word.end() :]
    return text


def slips_of(word: str) -> Iterator[str]:
    """What one slip makes of a word of the letters a to z, but for slips of its last letter: those may inflect it."""
    for at in range(1, len(word) - 1):
        before, letter, behind = word[:at], word[at], word[at + 1 :]
        yield before + behind
        yield before + letter + letter + behind
        if letter != behind[0]:
            yield before + behind[0] + letter + behind[1:]
        yield from (before + other + behind for other in _beside(letter))


def _slip(word: str, rng: np.random.Generator) -> str:
    """`word` with one letter wrong, never its first: people see that one."""
    at = int(rng.integers(1, len(word)))
    kind = rng.integers(4)
    if kind == 0:
        return word[:at] + word[at + 1 :]
    if kind == 1:
        return word[:at] + word[at] + word[at:]
    if kind == 2 and at + 1 < len(word) and word[at] != word[at + 1]:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + _neighbour(word[at], rng) + word[at + 1 :]


def _neighbour(letter: str, rng: np.random.Generator) -> str:
    beside = _beside(letter.lower())
    found = beside[int(rng.integers(len(beside)))]
    return found.upper() if letter.isupper() else found


def _beside(letter: str) -> str:
    row = next(row for row in _ROWS if letter in row)
    at = row.index(letter)
    return row[max(0, at - 1) : at] + row[at + 1 : at + 2]
