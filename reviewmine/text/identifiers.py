"""Identifiers: the checks that tell a number which identifies a person or an account from its look-alikes."""

from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

# fmt: off
_IBAN_LENGTHS: Final = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15,
    "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24, "SI": 19,
    "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}
# fmt: on

_CARD_PREFIXES: Final = {
    13: ("4",),
    14: ("30", "36", "38", "39"),
    15: ("34", "37"),
    16: ("22", "23", "24", "25", "26", "27", "35", "4", "5", "60", "62", "64", "65", "67", "81"),
    17: ("62",),
    18: ("62",),
    19: ("4", "60", "62", "67"),
}
"""Number of digits -> what issuers of that length begin with; ISBN and IMEI numbers begin otherwise."""


def is_card(digits: str) -> bool:
    """Whether 13 to 19 digits are a payment card: an issuer's prefix and the Luhn check (ISO/IEC 7812)."""
    if not digits.startswith(_CARD_PREFIXES.get(len(digits), ())) or len(set(digits)) == 1:
        return False
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def is_ean(digits: str) -> bool:
    """Whether 13 digits are an article number (EAN-13, GS1 General Specifications 7.9): old cards are as long."""
    return (
        len(digits) == 13
        and sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(digits)) % 10 == 0
    )


def is_chinese_id(number: str) -> bool:
    """Whether 17 digits and a check character are a resident identity number (GB 11643-1999)."""
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, number, strict=False))
    return number[17].upper() == "10X98765432"[total % 11]


def iban_length(country: str) -> int:
    """Characters of an IBAN of the country, 0 where there are none."""
    return _IBAN_LENGTHS.get(country, 0)


def is_iban(compact: str) -> bool:
    """Whether an IBAN without its spaces has its country's length and the check digits of ISO 13616."""
    if len(compact) != iban_length(compact[:2]):
        return False
    return int("".join(str(int(character, 36)) for character in compact[4:] + compact[:4])) % 97 == 1


def is_ipv4(text: str) -> bool:
    """Whether a dotted quad is the address of a host.

    One that begins with three single digits is a version far more often; loopback, netmasks and what stands for
    every host lead to nobody.
    """
    try:
        address = IPv4Address(text)
    except AddressValueError:
        return False
    return len(text[: text.rindex(".")]) > len("1.2.3") and address.packed[0] not in (0, 127, 255)


def is_ipv6(text: str) -> bool:
    """Whether groups of hexadecimal digits between colons are an address of three groups or more."""
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return sum(bool(group) for group in text.split(":")) >= 3 or text.lower().startswith("fe80:")
