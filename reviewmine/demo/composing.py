"""Composes one made-up review: what it praises or blames, in what form, and how carelessly it is typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from reviewmine.demo import personal, phrases
from reviewmine.demo.products import Product, Strength
from reviewmine.demo.wording import (
    Chance,
    after_a_turn,
    as_html,
    careless,
    expand,
    mistyped,
    opening_capital,
    tidy,
)

Tone = Literal["--", "-", "=", "+", "++", "mixed"]

_STRENGTHS: Final[dict[Tone, dict[Strength, float]]] = {
    "--": {"--": 5, "-": 1},
    "-": {"-": 5, "=": 1, "--": 0.5},
    "=": {"=": 5, "+": 0.6, "-": 0.6},
    "+": {"+": 5, "=": 1, "++": 0.5},
    "++": {"++": 5, "+": 1.5},
}
_STARS: Final[dict[Tone, dict[int, float]]] = {
    "--": {1: 80, 2: 17, 5: 2, 3: 1},
    "-": {2: 55, 3: 35, 1: 8, 4: 2},
    "=": {3: 60, 4: 30, 5: 6, 2: 4},
    "mixed": {3: 60, 2: 20, 4: 20},
    "+": {4: 62, 5: 32, 3: 6},
    "++": {5: 90, 4: 8, 1: 2},
}
_MAX_SENTENCES: Final = 6
_PASTED_SHARE: Final = 0.006
_PASTED_SHARE_IN_CHINESE: Final = 0.25
"""Of the Chinese reviews, which are few, more give something away, or some data would be in none of them."""


@dataclass(frozen=True)
class Wording:
    """The words of one review, and the stars that its writer gave, not always in keeping with them."""

    title: str | None
    body: str | None
    stars: int


def slots_of(product: Product) -> dict[str, Sequence[str]]:
    """The fillers of every slot, for this product."""
    return {
        **phrases.SLOTS,
        "name": (f"the {product.name}",),
        "noun": (product.noun,),
        "noun_one": (f"pair of {product.noun}" if product.plural else product.noun,),
        "it": ("them" if product.plural else "it",),
        "this": ("these" if product.plural else "this",),
    }


class Composer:
    """Writes reviews of one product, all from one source of choices but for what is pasted behind them.

    That comes from a source of its own, so that the reviews are the same with it and without.
    """

    def __init__(self, product: Product, chance: Chance, pasting: Chance | None = None) -> None:
        self._product = product
        self._chance = chance
        self._pasting = pasting
        self._slots = slots_of(product)
        self._aspects = {**product.aspects, **phrases.GENERAL_ASPECTS}

    def compose(self, tone: Tone, *, news: Sequence[str] = ()) -> Wording:
        """A review in this tone; `news` are templates of what happened that day, at least one of which it tells."""
        chance = self._chance
        stars = chance.weighted(_STARS[tone])
        if not news and (rare := self._rare()) is not None:
            return Wording(rare[0], rare[1], stars)
        if not news and tone != "mixed" and chance.happens(0.17):
            sentences, aspect = [self._say(phrases.SHORT[tone])], None
        else:
            sentences, aspect = self._paragraph(tone, news)
        if chance.happens(0.025):
            sentences.append(self._say(personal.TYPED))
        elif chance.happens(0.015):
            sentences.append(self._say(phrases.LINKS))
        title, body = self._title(tone, aspect), self._typed(sentences, tone)
        pasted = self._pasted(personal.PASTED, _PASTED_SHARE)
        return Wording(title, f"{body} {pasted}" if pasted else body, stars)

    def compose_chinese(self, tone: Tone) -> Wording:
        strength: Strength = "=" if tone == "mixed" else tone
        sentences = self._chance.some(phrases.CHINESE[strength], 1 + self._chance.below(2))
        body = "".join(expand(sentence, self._slots, self._chance) for sentence in sentences)
        pasted = self._pasted(personal.PASTED_IN_CHINESE, _PASTED_SHARE_IN_CHINESE)
        return Wording(None, body + pasted, self._chance.weighted(_STARS[tone]))

    def _pasted(self, templates: Sequence[str], share: float) -> str:
        """Now and then a sentence that gives something away, letter for letter."""
        if self._pasting is None or not self._pasting.happens(share):
            return ""
        return expand(self._pasting.pick(templates), self._slots, self._pasting)

    def _say(self, templates: Sequence[str]) -> str:
        return opening_capital(expand(self._chance.pick(templates), self._slots, self._chance))

    def _rare(self) -> tuple[str | None, str | None] | None:
        """Now and then a review without words, without anything, or in another language."""
        kind = self._chance.weighted({"blank": 11, "no words": 6, "other language": 9, "usual": 974})
        if kind == "blank":
            return None, self._chance.pick(phrases.BLANK)
        if kind == "no words":
            return None, self._chance.pick(phrases.NO_WORDS)
        if kind == "other language":
            return None, self._say(phrases.OTHER_LANGUAGES)
        return None

    def _about_aspects(self, weights: Mapping[Strength, float], num: int) -> list[tuple[str, str]]:
        """(aspect, sentence) for up to `num` different aspects, mostly the product's own, the first at the main
        strength of `weights`, so that a review has something of its tone in it."""
        order = self._chance.some([*self._product.aspects] * 4 + [*phrases.GENERAL_ASPECTS], 6 * num)
        said: list[tuple[str, str]] = []
        for aspect in dict.fromkeys(order):
            strength = self._chance.weighted(weights) if said else max(weights, key=lambda key: weights[key])
            templates = self._aspects[aspect].get(strength, ())
            if templates and len(said) < num:
                said.append((aspect, self._say(templates)))
        return said

    def _paragraph(self, tone: Tone, news: Sequence[str]) -> tuple[list[str], str | None]:
        """The sentences of a review, and the aspect that it is most about, if there is one."""
        chance = self._chance
        if tone == "mixed":
            return self._two_sides(), None
        if chance.happens(0.005):
            return self._epistle(tone), None
        sentences = [self._say([template]) for template in chance.some(news, 1 + chance.below(2))]
        if chance.happens(0.42):
            sentences.insert(0, self._say(phrases.OPENERS))
        said = self._about_aspects(_STRENGTHS[tone], chance.weighted({1: 30, 2: 38, 3: 24, 4: 8}))
        sentences += [sentence for _, sentence in said]
        if tone in ("+", "-") and chance.happens(0.3):
            other: Strength = "-" if tone == "+" else "+"
            turns = phrases.TURNS if tone == "+" else phrases.COUNTER_TURNS
            for aspect, sentence in self._about_aspects({other: 1}, 1):
                if aspect not in dict(said):
                    sentences.append(after_a_turn(self._say(turns), sentence))
        if not sentences or chance.happens(0.38):
            sentences.append(self._say(phrases.CLOSERS[tone]))
        return sentences[:_MAX_SENTENCES], said[0][0] if said else None

    def _epistle(self, tone: Strength) -> list[str]:
        """A diary, week by week, that starts mildly and ends in this tone; longer than any encoder reads."""
        start: tuple[Strength, ...] = ("=", "+") if tone in ("--", "-") else ("=", "-")
        said = [*self._everything(start, 16), *self._everything(tuple(_STRENGTHS[tone]), 24)]
        weeks = [f"Week {1 + at // 5}: {' '.join(said[at : at + 5])}" for at in range(0, len(said), 5)]
        return [self._say(phrases.OPENERS), *weeks, self._say(phrases.CLOSERS[tone])]

    def _everything(self, strengths: Sequence[Strength], num: int) -> list[str]:
        """Up to `num` different sentences at these strengths, about anything."""
        by_aspect = self._aspects.values()
        templates = [
            text for texts in by_aspect for strength in strengths for text in texts.get(strength, ())
        ]
        return [self._say([template]) for template in self._chance.some(templates, num)]

    def _two_sides(self) -> list[str]:
        chance = self._chance
        praised = self._about_aspects({"+": 3, "++": 1}, 1 + chance.below(2))
        blamed = [pair for pair in self._about_aspects({"-": 3, "--": 1}, 2) if pair[0] not in dict(praised)]
        liked, disliked = ([sentence for _, sentence in side] for side in (praised, blamed))
        if disliked and chance.happens(0.3):
            return [tidy(f"Pros: {' '.join(liked)}"), tidy(f"Cons: {' '.join(disliked)}")]
        first, second = (liked, disliked) if chance.happens(0.6) else (disliked, liked)
        turns = phrases.TURNS if first is liked else phrases.COUNTER_TURNS
        opener = [self._say(phrases.OPENERS)] if chance.happens(0.35) else []
        turned = [after_a_turn(self._say(turns), second[0]), *second[1:]] if second else []
        return opener + first + turned or [self._say(phrases.SHORT["="])]

    def _title(self, tone: Tone, aspect: str | None) -> str | None:
        chance = self._chance
        if chance.happens(0.14):
            return None
        if tone == "mixed":
            return self._say(phrases.MIXED_TITLES)
        if aspect and chance.happens(0.3):
            return self._say(
                [template.replace("{@aspect}", aspect) for template in phrases.ASPECT_TITLES[tone]]
            )
        title = self._say(phrases.TITLES[tone])
        return title.lower() if chance.happens(0.15) else title

    def _typed(self, sentences: list[str], tone: Tone) -> str:
        """The sentences as they ended up in the archive: typos, capitals, emoji, mark-up, stray white space."""
        chance = self._chance
        if tone == "--" and chance.happens(0.08):
            at = chance.below(len(sentences))
            sentences[at] = sentences[at].upper()
        if chance.happens(0.06):
            return as_html(sentences, chance)
        text = chance.weighted({" ": 88, "\n": 8, "\n\n": 4}).join(sentences)
        if chance.happens(0.16):
            text = mistyped(text, chance)
        if chance.happens(0.09):
            text = careless(text, chance)
        if chance.happens(0.11):
            mood = "=" if tone == "mixed" else tone
            text = f"{text} {chance.pick(phrases.EMOJI[mood])}"
        if chance.happens(0.02):
            text = chance.pick(("\u200b", "  ", "\ufeff", "\t")) + text.replace(". ", ".  ") + " \n"
        return text
