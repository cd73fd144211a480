"""What the makers of masking cases share: what was written, how it was typed, and check digits by their definitions."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Written:
    """What a maker wrote: its kind, and which part of it identifies somebody, empty for a look-alike."""

    kind: str
    text: str
    identifying: str = ""


def datum(kind: str, text: str, identifying: str = "") -> Written:
    """A personal datum, all of which identifies if not only a part of it does."""
    return Written(kind, text, identifying or text)


Maker = Callable[[random.Random], Written]


def digits(rng: random.Random, num: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(num))


def grouped(number: str, sizes: Sequence[int], apart: str) -> str:
    """`number` in groups of these sizes, as many as it has characters for."""
    groups = []
    for size in sizes:
        groups.append(number[:size])
        number = number[size:]
    return apart.join(filter(None, [*groups, number]))


def spelt(rng: random.Random, number: str) -> str:
    """`number`, one time in ten in the fullwidth digits of a Chinese keyboard."""
    wide = str.maketrans("0123456789Xx+-", "０１２３４５６７８９Ｘｘ＋－")
    return number.translate(wide) if rng.random() < 0.1 else number


def luhn_sum(number: str) -> int:
    """The sum in which every second digit from the right is doubled, its own digits summed."""
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled)


def with_luhn_digit(start: str) -> str:
    return next(start + last for last in "0123456789" if luhn_sum(start + last) % 10 == 0)


def with_identity_digit(start: str) -> str:
    """17 digits and the character of ISO 7064 MOD 11-2, by its recursion rather than by weights."""
    product = 0
    for digit in start:
        product = (product + int(digit)) * 2 % 11
    return start + "0123456789X"[(12 - product) % 11]


def with_ean_digit(start: str) -> str:
    """12 digits, or 11 of a UPC, and the digit that makes the sum with every second one tripled a ten."""
    total = sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(reversed(start)))
    return f"{start}{-total % 10}"


def with_isbn_digit(start: str) -> str:
    """9 digits and the character that makes the sum weighted 10 down to 1 divisible by 11."""
    total = sum(int(digit) * weight for digit, weight in zip(start, range(10, 1, -1), strict=True))
    return start + "0123456789X"[-total % 11]


def iban_of(country: str, account: str) -> str:
    """The country, the two digits that make the whole 1 modulo 97 when its start is moved to the end, the account."""
    number = "".join(str(ord(c) - 55) if c.isalpha() else c for c in f"{account}{country}00")
    return f"{country}{98 - int(number) % 97:02d}{account}"
