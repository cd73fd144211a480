"""Language: which one a review is written in, from its script and, in Latin script, its function words.

Reviews are too short and too full of brand names for statistics of letters; the little words decide.
Undecided Latin text is `en`: `Good quality phone` holds no function word, and archives are mostly English.
"""

import re
from collections import Counter
from typing import Final

from reviewmine.labels import UNKNOWN_LANGUAGE
from reviewmine.text.characters import has_url
from reviewmine.text.clean import clean

_SAMPLE_CHARACTERS = 1200
_IDEOGRAPH_WEIGHT = 3
"""Letters of an alphabet that one Chinese character is worth: `买了iPhone 15很好` is Chinese."""
_EASTERN_SHARE: Final = 0.3
"""With fewer Chinese and Japanese letters than this share, a text in Latin letters is not one with many names in it."""
_KANA_SHARE = 0.1

_SCRIPTS: Final = {
    "latin": "A-Za-zªº\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff",
    "han": "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff",
    "kana": "\u3041-\u3096\u309d\u309e\u30a1-\u30fa\u30fd\u30fe",
    "ko": "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3",
    "cyrillic": "\u0400-\u052f",
    "arabic": "\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff",
    "he": "\u05d0-\u05ea",
    "el": "\u0370-\u03ff\u1f00-\u1fff",
    "th": "\u0e01-\u0e3a\u0e40-\u0e46",
    "hi": "\u0904-\u0939\u0958-\u0963",
    "bn": "\u0985-\u09b9",
    "pa": "\u0a05-\u0a39",
    "gu": "\u0a85-\u0ab9",
    "ta": "\u0b85-\u0bb9",
    "te": "\u0c05-\u0c39",
    "kn": "\u0c85-\u0cb9",
    "ml": "\u0d05-\u0d3a",
    "ka": "\u10a0-\u10ff",
    "hy": "\u0531-\u0587",
}
"""Script -> its letters; a script that one language has to itself goes by the code of the language."""

_RUN = re.compile("|".join(f"(?P<{script}>[{letters}]+)" for script, letters in _SCRIPTS.items()))
_WORD = re.compile(f"[{_SCRIPTS['latin']}]+")

# fmt: off
_FUNCTION_WORDS: Final = {
    "en": "the and is it this to of for i my was with that but not are have you they in on very so as be at if "
          "would from or had just all one too what when has were do does did don can will your its an out up a no by "
          "he me we am more than easy use good great",
    "de": "der die das und ist nicht ich es ein eine einen mit zu sehr auf für auch den dem von sich aber war wie "
          "sind nur noch bei aus habe hat kann wenn gut nach wird oder im am mir mich immer schon keine kein über",
    "fr": "le la les et est pas un une des je de du que qui pour dans ce c est très il elle avec sur mais au en ne "
          "plus bien tout été sont mon ma cette ai vous nous aux par même ou sans produit comme",
    "es": "el la los las y es no un una de que en muy con para por lo se me mi pero como más bien está son del al "
          "todo este esta producto calidad buena bueno sin ya también cuando tiene",
    "it": "il lo la gli le e è non un una di che per con molto ma sono ho ha del della si mi come più anche "
          "questo questa prodotto bene tutto ottimo nel alla dal sul",
    "pt": "o a os as e é não um uma de que em muito com para por mas do da no na se meu minha bem mais produto "
          "ótimo está são foi eu ele ela também quando tem pelo",
    "nl": "de het een en is niet ik van voor met op te dat zijn er maar heel erg aan ook goed deze dit wel naar "
          "was heb heeft bij nog als om geen zeer mijn je",
    "sv": "och är det en ett inte jag att som på för med av den har till mycket men var så bra min mig om från kan",
    "pl": "i jest nie to na się w z do że jak ale bardzo za od po mi dla tak już polecam ten ta są mam był była",
    "tr": "ve bir bu çok için de da ama ben ile gibi daha var yok güzel ürün iyi değil kadar olarak tavsiye ederim",
}
# fmt: on

_LETTERS_OF: Final = {
    "de": "äöüß",
    "fr": "çœèêëùûîôà",
    "es": "ñ¿¡",
    "pt": "ãõ",
    "it": "ò",
    "pl": "łżźśćńę",
    "tr": "ışğ",
    "sv": "å",
}
"""Letters that make one function word of the language enough."""

_EASTERN_LITTLE_WORD = re.compile("[的了是很不我在有就都和也还還这這个個没沒给給跟把被吗嗎呢吧\u3041-\u3096]")
"""A character of Chinese grammar, or hiragana; the names of dishes and brands have few of either."""

_LANGUAGES_WITH: Final = {
    word: tuple(language for language, words in _FUNCTION_WORDS.items() if word in words.split())
    for words in _FUNCTION_WORDS.values()
    for word in words.split()
}


def identify(text: str) -> str:
    """The ISO 639-1 code of the language that most of the text's beginning is in; `und` without any letter."""
    sample = text[:_SAMPLE_CHARACTERS]
    if "<" in sample or "&" in sample or has_url(sample):
        sample = clean(sample)
    letters = _letters_by_script(sample)
    if not letters:
        return UNKNOWN_LANGUAGE
    script = max(letters, key=lambda name: letters[name])
    is_eastern_too = _EASTERN_SHARE * letters.total() <= letters["han"] + letters["kana"]
    if script == "latin" and is_eastern_too and _only_names_in_latin(sample):
        script = max(("han", "kana"), key=lambda name: letters[name])
    if script == "latin":
        return _latin_language(sample)
    if script == "han":
        return "ja" if letters["kana"] > _KANA_SHARE * letters["han"] / _IDEOGRAPH_WEIGHT else "zh"
    if script == "cyrillic":
        return "uk" if re.search("[іїєґ]", sample, re.IGNORECASE) else "ru"
    if script == "arabic":
        return "fa" if re.search("[پچژگ]", sample) else "ar"
    return "ja" if script == "kana" else script


def _letters_by_script(text: str) -> Counter[str]:
    """How many letters of each script, a Chinese character counting for several of an alphabet."""
    letters: Counter[str] = Counter()
    if text.isascii():
        if latin := sum(map(len, _WORD.findall(text))):
            letters["latin"] = latin
        return letters
    for run in _RUN.finditer(text):
        script = run.lastgroup or ""
        letters[script] += (run.end() - run.start()) * (_IDEOGRAPH_WEIGHT if script == "han" else 1)
    return letters


def _only_names_in_latin(text: str) -> bool:
    """Whether Chinese or Japanese little words outnumber English ones: `买了一个iPhone 15`, not `my 红茶 is cold`."""
    words = set(_WORD.findall(text.lower()))
    num_english = sum("en" in _LANGUAGES_WITH.get(word, ()) for word in words)
    return len(_EASTERN_LITTLE_WORD.findall(text)) >= max(1, num_english)


def _latin_language(text: str) -> str:
    """The language that most of the text's different words vote for; another than English needs two, or a letter."""
    lowered = text.lower()
    votes = Counter(
        language for word in set(_WORD.findall(lowered)) for language in _LANGUAGES_WITH.get(word, ())
    )
    # max takes the first of equals: in the order of _FUNCTION_WORDS, not of a set, which differs between workers.
    best = max(_FUNCTION_WORDS, key=lambda language: votes[language])
    letters = _LETTERS_OF.get(best, "")
    enough = 1 if any(letter in lowered for letter in letters) else 2
    return best if votes[best] >= enough else "en"
