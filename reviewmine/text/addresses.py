"""Addresses that lead to a person or past a door: mail, links with secrets in them, hosts on a network."""

import re
from typing import Final

from reviewmine.text.characters import IDEOGRAPH
from reviewmine.text.identifiers import is_ipv4, is_ipv6
from reviewmine.text.rule import Part, Rule, words_before

_LETTER = r"A-Za-z\u00c0-\u024f"
"""Letters of names in Latin script. Chinese characters are none: their text runs up to an address without a space."""

_LABELS = rf"(?:[{_LETTER}0-9-]{{1,63}}\.){{1,8}}[{_LETTER}]{{2,24}}"

_MAIL = re.compile(rf"(?<![{_LETTER}0-9._%+-])[{_LETTER}0-9._%+-]{{1,254}}@{_LABELS}(?![{_LETTER}0-9])")

# Links --------------------------------------------------------------------------------------------------

_OF_LINK = rf"(?:(?!{IDEOGRAPH})[^\s\"'<>\u3000-\u303f\uff00-\uffef]|{IDEOGRAPH}(?={IDEOGRAPH}{{0,16}}[/?#]))"
"""Chinese characters and punctuation end a link, since text without spaces goes on behind it, unless a slash or a
question mark says that they are of its path."""

_LINK = re.compile(rf"(?<![A-Za-z0-9.-])(?:(?i:https?|ftp)://|{_LABELS}(?::\d{{1,5}})?[/?#]){_OF_LINK}+")
_SECRETS = (
    "token|sig|signature|auth|session|sid|sessid|secret|password|passwd|pass|pwd|otp|jwt|credential|hmac"
)
_SECRETS += "|(?:api|access|auth|secret|private|invite|reset)(?:key|code)|e?mail|phone|mobile"
_SECRET_OF_LINK = re.compile(
    rf"(?i:[?&#;](?:[\w.-]{{0,32}}(?:{_SECRETS})(?:[_-]?id)?|(?:[\w.-]{{0,32}}[_.-])?(?:key|code))=.)"
    r"|[/=](?=[A-Za-z]{0,64}\d)[A-Za-z0-9]{24}|[/=]eyJ[A-Za-z0-9_-]{8,}\.|[0-9a-f]{8}-[0-9a-f]{4}-|//[^/\s]{1,128}@"
    r"|[/=](?=[a-z0-9_]{0,64}[A-Z])(?=[A-Z0-9_]{0,64}[a-z])(?=[A-Za-z_]{0,64}\d{1,64}[A-Za-z_]{1,64}\d)[A-Za-z0-9_]{24}"
)
"""A parameter that lets in or names a person, a path no one can guess, a name with a password. Keys and codes stand
alone or behind a sign or a telling word: the `linkCode` of a shop is no secret. Words joined by underscores are no
random path: that one mixes small letters, capitals and digits."""


def _secret_link(match: re.Match[str]) -> Part | None:
    """A link that lets its reader in, without the punctuation of the sentence that it ends or the bracket it is in."""
    if not _SECRET_OF_LINK.search(match[0]):
        return None
    link = match[0].rstrip(".,;:!?")
    if "(" not in link and "[" not in link:
        link = link.rstrip(".,;:!?)]")
    return match.start(), match.start() + len(link)


# Hosts --------------------------------------------------------------------------------------------------

_IPV4 = re.compile(
    r"(?<![\w.])(?P<mapped>(?<!:)::[Ff]{4}:)?(?P<host>(?:\d{1,3}\.){3}\d{1,3})(?!\w|\.\d)", re.ASCII
)
_IPV6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f:]{6,39}(?![\w:]))[0-9A-Fa-f:]{6,39}", re.ASCII)
_VERSION_BEFORE = re.compile(
    r"(?:\b(?:v|ver|version|release|firmware|software|driver|build|updated?|upgraded?|ios|android|windows|bios)"
    r"|版本|固件|系统|升级|更新)(?:[\s.:：v]|号|到|至|为|是|is|was|to|from|number|version){0,6}$",
    re.IGNORECASE,
)


def _host_of_four(match: re.Match[str]) -> Part | None:
    """Versions are written like addresses; the word before tells."""
    return (
        match.span() if is_ipv4(match["host"]) and not _VERSION_BEFORE.search(words_before(match)) else None
    )


def _host_of_groups(match: re.Match[str]) -> Part | None:
    return match.span() if is_ipv6(match[0]) else None


LINK: Final = Rule(_LINK, "[url]", _secret_link)
MAIL: Final = Rule(_MAIL, "[mail]")
IPV4: Final = Rule(_IPV4, "[ip]", _host_of_four)
IPV6: Final = Rule(_IPV6, "[ip]", _host_of_groups)
