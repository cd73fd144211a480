"""Classes of characters and patterns of markup that cleaning and sentence splitting must agree on.

Every pattern here runs in time linear in the text: a repetition either is bounded or stops at the very
character that would start the next attempt.
"""

import re
from typing import Final

_IDEOGRAPHS = "\u2e80-\u2fdf\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
_IDEOGRAPHS += "\U00020000-\U0003ffff"
_PICTURES = "\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2934\u2935\u2b00-\u2bff\U0001f000-\U0001faff"

IDEOGRAPH: Final = f"[{_IDEOGRAPHS}]"
"""A Chinese or Japanese character: text of these is written without spaces."""

PICTURE: Final = f"[{_PICTURES}]"
"""The base of an emoji, skin tones and flag letters included."""

EMOJI: Final = f"(?:{PICTURE}[\ufe0e\ufe0f\u200d]*)"
"""One emoji, or one link of a longer one that zero-width joiners hold together."""

JOINABLE: Final = f"[{_PICTURES}\ufe0f]"
"""What a zero-width joiner may follow inside an emoji."""

SELECTABLE: Final = f"[{_PICTURES}#*0-9\u00a9\u00ae\u203c\u2049\u2122\u2139\u24c2\u3030\u303d\u3297\u3299]"
"""What a variation selector may follow: emoji, keycaps and the signs that are also drawn as pictures."""

SHAPED: Final = "[\u0600-\u0dff]"
"""Scripts from Arabic to Sinhala, where zero-width joiners are part of the spelling."""

URL: Final = re.compile(
    r"(?:(?i:https?|ftp)://|(?<![A-Za-z0-9])(?i:www)\.)"
    r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%|-]*[A-Za-z0-9/=&#%_~-]"
)

ENTITY: Final = re.compile(
    r"&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,31};|(?:amp|lt|gt|quot|nbsp)(?![A-Za-z0-9;=]))"
)
"""An entity; the semicolon may be missing where browsers forgive it and prose does not look like it."""

SILENT: Final = re.compile(
    r"<!--[^<]*?-->|<(?i:(script|style))\b[^<>]*>[^<]*</(?i:\1)\s*>|<![A-Za-z][^<>]*>|<\?[A-Za-z][^<>]*>"
)
"""Markup that goes with all it holds: comments, scripts, styles, declarations."""

TAG: Final = re.compile(r"</?([A-Za-z][A-Za-z0-9:]{0,15})(?:[\s/][^<>]*)?>")
"""Anything of the shape of a tag; group 1 is its name, to be looked up in INLINE_TAGS and BLOCK_TAGS."""

# fmt: off
INLINE_TAGS: Final = frozenset({
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i",
    "ins", "kbd", "mark", "nobr", "o:p", "q", "s", "samp", "small", "span", "strike", "strong", "sub",
    "sup", "tt", "u", "var", "wbr",
})
"""Tags inside a word or a sentence: removing one must not part what it stood in."""

BLOCK_TAGS: Final = frozenset({
    "address", "article", "aside", "audio", "blockquote", "body", "br", "button", "caption", "center",
    "col", "colgroup", "dd", "details", "div", "dl", "dt", "embed", "fieldset", "figcaption", "figure",
    "footer", "form", "frame", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html",
    "iframe", "img", "input", "label", "legend", "li", "link", "main", "map", "menu", "meta", "nav",
    "object", "ol", "optgroup", "option", "p", "param", "picture", "pre", "script", "section", "select",
    "source", "style", "summary", "svg", "table", "tbody", "td", "textarea", "tfoot", "th", "thead",
    "title", "tr", "ul", "video",
})
"""Tags between words; all but IMAGE_TAGS end a sentence too."""
# fmt: on

IMAGE_TAGS: Final = frozenset({"img", "input", "label", "picture", "svg"})


def has_url(text: str) -> bool:
    """Whether URL is worth searching: a test far cheaper than the search."""
    return "://" in text or "www." in text.lower()
