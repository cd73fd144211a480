"""Sentences with personal data and with numbers that only look like it, made from a seed for measuring `mask`.

Each case knows what it holds. Nothing of what is measured takes part in the measuring: check digits come from their
definitions. People and accounts are invented, hosts and most telephones are of ranges kept for examples.
"""

import random
from dataclasses import dataclass
from typing import Final

from look_alikes import LOOK_ALIKES
from written_numbers import (
    Maker,
    Written,
    datum,
    digits,
    grouped,
    iban_of,
    spelt,
    with_identity_digit,
    with_luhn_digit,
)

# fmt: off
# What identifies ----------------------------------------------------------------------------------------

_NAMES: Final = (
    "anna", "j.miller", "lena_berg", "tom-asz", "wei.zhang", "o.petrova", "maria.del.mar", "kurt",
)
_HOSTS: Final = ("example.com", "example.org", "mail.example.co.uk", "post.berlin.example.de", "example.cn")


def mail(rng: random.Random) -> Written:
    """Addresses as they are typed: dots, plus, digits, sub-domains, capitals, accents, a mailto before."""
    name = rng.choice((*_NAMES, f"{rng.choice(_NAMES)}{rng.randrange(50, 2010)}", "jörg.müller", "zoë", digits(rng, 9)))
    address = name + rng.choice(("", "", "+shop", "+returns.2024")) + "@" + rng.choice(_HOSTS)
    form = rng.choice((str, str, str, str.upper, str.title))
    if rng.random() < 0.05:
        address = address.replace("@", "＠")
    return datum("mail", rng.choice(("", "", "", "", "mailto:")) + form(address), form(address))


def phone(rng: random.Random) -> Written:
    """Telephones of ten countries in national and international form, most of them of fictional ranges."""
    area = rng.choice(("212", "415", "303", "646", "512", "702"))
    line = f"01{rng.randrange(100):02d}"
    four, three, two = digits(rng, 4), digits(rng, 3), digits(rng, 2)
    mobile = f"{rng.randrange(100):02d}"
    return datum(
        "phone",
        rng.choice(
            (
                f"+1 ({area}) 555-{line}", f"+1 {area} 555 {line}", f"+1{area}555{line}",
                f"+1-{area}-555-{line}",
                f"({area}) 555-{line}", f"({area})555-{line}", f"{area}-555-{line}", f"{area}.555.{line}",
                f"1-{area}-555-{line}", f"{area} 555 {line}", f"1 ({area}) 555-{line}",
                f"{area}–555–{line}", "+44 20 7946 0" + three, "020 7946 0" + three,
                "+44 (0)20 7946 0" + three, "(020) 7946 0" + three,
                "07700 900" + three, "+447700900" + three, "07700 900 " + three, "0161 496 0" + three,
                "+49 30 23125 " + three, "030/23125" + three, "+49 (0)30 23125-" + three,
                "0171 39200" + two,
                f"01 99 00 {mobile} {two}", f"+33 1 99 00 {mobile} {two}", f"06 39 98 {mobile} {two}",
                f"06.39.98.{mobile}.{two}", f"0033 6 39 98 {mobile} {two}",
                f"+33 (0)6 39 98 {mobile} {two}", f"+34 612 {three} {digits(rng, 3)}",
                f"+39 06 {digits(rng, 4)} {four}", f"+31 6 {digits(rng, 8)}",
                f"+91 98765 4{four}", f"+61 491 570 {three}", f"0491 570 {three}", f"(02) 5550 {four}",
                f"+81 3-{digits(rng, 4)}-{four}", f"03-{digits(rng, 4)}-{four}",
                f"090-{digits(rng, 4)}-{four}",
                f"+7 (495) 555-{two}-{mobile}", f"+55 11 95555-{four}", f"+86 10 6555 {four}",
                f"+1.{area}.555.{line}", f"{area} 555{line}", f"{area}/555-{line}", f"1.{area}.555.{line}",
                f"{area} - 555 - {line}", f"tel:+1{area}555{line}",
                "+44-20-7946-0" + three, "+44 (0) 20 7946 0" + three, "0044 20 7946 0" + three,
                "011 44 20 7946 0" + three, f"020-79460{three}", f"+49.30.23125{three}",
                f"+33.1.99.00.{mobile}.{two}", f"8 (495) 555-{two}-{mobile}", f"+7 495 555-{two}-{mobile}",
                f"0571-8765 {four}", f"(0571)8765{four}",
                f"010-6555{four}", f"0755-8555{four}", f"021 5555 {four}", f"(021)5555{four}",
            )
        ),
    )


def bare_phone(rng: random.Random) -> Written:
    """Telephones without any separator, which only the words before them give away."""
    line = f"01{rng.randrange(100):02d}"
    forms = (
        f"{rng.choice(('212', '415', '303'))}555{line}", f"020794609{digits(rng, 2)}",
        f"07700900{digits(rng, 3)}",
    )
    return datum("bare phone", rng.choice(forms))


def chinese_mobile(rng: random.Random) -> Written:
    start = rng.choice(
        ("130", "135", "138", "139", "147", "150", "159", "166", "177", "186", "188", "191", "198")
    )
    a, b = digits(rng, 4), digits(rng, 4)
    forms = (
        f"{start}{a}{b}", f"{start}{a}{b}", f"{start} {a} {b}", f"{start}-{a}-{b}", f"+86 {start} {a} {b}",
        f"+86-{start}-{a}-{b}", f"+86{start}{a}{b}", f"86 {start}{a}{b}", f"0086{start}{a}{b}",
        f"(+86){start}{a}{b}", f"(+86) {start} {a} {b}", f"{start}.{a}.{b}", f"86-{start}-{a}-{b}",
        f"{start} {(a + b)[:3]} {(a + b)[3:]}", f"{start}{a} {b}", f"{start}{a}{b}/139{b}{a}",
    )
    return datum("chinese mobile", spelt(rng, rng.choice(forms)))


def identity(rng: random.Random) -> Written:
    area = rng.choice(("110105", "310101", "440304", "330106", "510107", "420111", "610113", "230103"))
    born = f"{rng.randrange(1940, 2011)}{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}"
    number = with_identity_digit(area + born + digits(rng, 3))
    apart = rng.choice(("", "", "", "", " ", "-"))
    text = apart.join((number[:6], number[6:14], number[14:]))
    return datum("chinese id", spelt(rng, rng.choice((text, text, text.lower()))))


_ISSUERS: Final = (
    ("4", 16), ("4", 16), ("4", 13), ("4", 19), ("51", 16), ("55", 16), ("2221", 16), ("2720", 16),
    ("34", 15), ("37", 15), ("36", 14), ("6011", 16), ("65", 16), ("3528", 16), ("3589", 16),
    ("62", 16), ("62", 17), ("62", 18), ("62", 19), ("6759", 16), ("5018", 16),
)


def card(rng: random.Random) -> Written:
    """Cards of the large schemes, 13 to 19 digits, in one run or as they are embossed."""
    start, length = rng.choice(_ISSUERS)
    number = with_luhn_digit(start + digits(rng, length - len(start) - 1))
    embossed = {13: (4, 3, 3, 3), 14: (4, 6, 4), 15: (4, 6, 5)}.get(length, (4, 4, 4, 4, 3))
    form = rng.choice(("", " ", " ", "-", "\xa0", "."))
    if length == 19 and form and rng.random() < 0.3:
        embossed = (6, 13)
    after = rng.choice(("", "", "", "", " 12/27", " exp 09/28", " 11/26 123"))
    text = spelt(rng, grouped(number, embossed, form))
    return datum("card", text + after, text)


_ACCOUNTS: Final = {
    "DE": "n18", "GB": "a4n14", "FR": "n10c11n2", "ES": "n20", "IT": "a1n10c12", "NL": "a4n10", "CH": "n5c12",
    "AT": "n16", "BE": "n12", "SE": "n20", "NO": "n11", "PL": "n24", "IE": "a4n14", "LU": "n3c13", "CZ": "n20",
}
"""Country -> its account numbers in the notation of the IBAN registry: n digits, a capitals, c either."""


def iban(rng: random.Random) -> Written:
    country = rng.choice(sorted(_ACCOUNTS))
    parts = _ACCOUNTS[country].replace("n", " n").replace("a", " a").replace("c", " c").split()
    kinds = {"n": "0123456789", "a": "ABDEKLNOPRSTUW", "c": "0123456789ABCDEFGH"}
    account = "".join("".join(rng.choice(kinds[part[0]]) for _ in range(int(part[1:]))) for part in parts)
    number = iban_of(country, account)
    text = grouped(number, (4,) * 9, rng.choice((" ", " ", " ", "", "", "-", "\xa0")))
    after = rng.choice(("", "", "", " BIC COBADEFFXXX", " THANK YOU"))
    text = rng.choice((text, text, text, text, text.lower()))
    return datum("iban", text + after, text)


def ipv4(rng: random.Random) -> Written:
    host = rng.randrange(1, 255)
    start = rng.choice(
        (
            "192.0.2", "198.51.100", "203.0.113", f"192.168.{rng.randrange(256)}",
            f"10.{rng.randrange(256)}.{rng.randrange(10, 256)}", f"172.{rng.randrange(16, 32)}.0",
        )
    )
    address = f"{start}.{host}"
    after = rng.choice(("", "", "", ":8080", "/24"))
    return datum("ipv4", address + after, address)


def ipv6(rng: random.Random) -> Written:
    def group() -> str:
        return f"{rng.randrange(0x1000, 0x10000):x}"

    address = rng.choice(
        (
            f"2001:db8::{group()}", f"2001:db8:{group()}::{group()}:{group()}",
            f"fe80::{group()}:{group()}",
            f"2001:0db8:{':'.join(group() for _ in range(6))}", f"fd{group()[:2]}:{group()}:{group()}::1",
            f"fe80::{group()}:{group()}:{group()}:{group()}", f"::ffff:203.0.113.{rng.randrange(10, 255)}",
        )
    )
    text = rng.choice((address, address, address.upper(), f"[{address}]:443", f"{address}/64"))
    return datum("ipv6", text, address.upper() if text.isupper() else address)


_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


def secret_link(rng: random.Random) -> Written:
    """Links that let their reader in: a token, key or signature in them, a name with a password, a random path."""
    secret = "".join(rng.choice(_LETTERS) for _ in range(rng.choice((12, 16, 24, 32))))
    long_secret = "".join(rng.choice(_LETTERS) for _ in range(40)) + "7Qz"
    hexes = "".join(rng.choice("0123456789abcdef") for _ in range(32))
    uuid = "-".join((hexes[:8], hexes[8:12], hexes[12:16], hexes[16:20], hexes[20:]))
    host, order = rng.choice(("shop.example.com", "example.org", "www.example.net")), digits(rng, 6)
    text, hidden = rng.choice(
        (
            (f"https://{host}/orders/{order}?token={secret}", secret),
            (f"https://{host}/reset?user={order}&access_token={secret}", secret),
            (f"https://{host}/invoice/{order}.pdf?X-Amz-Expires=900&X-Amz-Signature={hexes}", hexes),
            (f"http://anna:{secret}@{host}/", secret),
            (f"https://{host}/#id_token={secret}", secret),
            (f"https://{host}/v1/orders?api_key={secret}&page=2", secret),
            (f"{host}/track?o={order}&key={secret}", secret),
            (f"https://{host}/login?sid={secret}&lang=en", secret),
            (f"https://{host}/s/{long_secret}", long_secret),
            (f"https://{host}/o/{uuid}", uuid),
            (f"https://{host}/return?id={order}&auth={secret}", secret),
            (f"https://{host}/r?password={secret}", secret), (f"HTTPS://{host}/r?o=1&amp;token={secret}", secret),
            (f"https://203.0.113.9/login?token={secret}", secret), (f"ftp://anna:{secret}@{host}/file", secret),
            (f"http://localhost:3000/reset?token={secret}", secret), (f"{host}?token={secret}", secret),
            (f"https://{host}:8443/订单/{order}?token={secret}", secret),
            (f"https://{host}/confirm?signature={secret}&o={order}", secret),
            (f"https://{host}/login/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI{secret}.{secret[::-1]}", secret),
        )
    )
    return datum("secret link", text, hidden)


# Sentences ----------------------------------------------------------------------------------------------

PERSONAL: Final[dict[Maker, tuple[str, ...]]] = {
    mail: (
        "Write to {} and they answer.", "My address is {}", "{} never replied to me", "Contact: {}!",
        "({})", "He signed with <{}>, twice.", "邮箱{}，没人回复。", "请发到{}谢谢", "联系：{}。", 'from "{}" again',
    ),
    phone: (
        "Call me on {} after six.", "The seller gave me {}, nobody picks up", "Tel. {}",
        "{} is their hotline?", "I rang ({}) all day.", "Reach us: {}; thanks",
        "my number: {}, ask for Anna", "Support ({}) was rude.",
        "客服电话{}打不通", "有问题请打{}，谢谢。", "WhatsApp {}!", "They texted me from {} at night.",
    ),
    bare_phone: (
        "Call me at {}.", "Please ring {} after six", "text me on {}, thanks", "Tel: {}",
        "my number is {}!", "You can reach me on {} any time.", "WhatsApp {}", "phone {} for details",
        "{} is my number",
        "电话：{}，随时联系", "手机号{}",
    ),
    chinese_mobile: (
        "电话{}，随时联系。", "加我微信{}", "联系方式：{}。", "质量不行，客服让我打{}没人接", "（{}）", "{}，张先生",
        "请联系{}李女士", "My Chinese number is {}.", "Call {} and ask for Wei", "手机号码是{}！",
    ),
    identity: (
        "身份证{}。", "身份证号：{}，要实名", "他们要我的身份证号码{}才退款", "（{}）",
        "My Chinese id {} was on the label!",
        "They wanted an id ({}) for the refund", "实名认证填了{}还是不行", "{} is printed on the parcel",
    ),
    card: (
        "They charged {} twice!", "Paid with card {}, no refund yet.", "my visa ({}) was debited",
        "Card: {}", "{} was billed again", "银行卡{}被扣了两次", "信用卡号：{}。", "退款到卡{}，谢谢",
        "it asked for {}; no way",
    ),
    iban: (
        "Refund to {} please.", "My account: {}", "IBAN {}, thanks", "they want ({}) for the refund",
        "{} is mine.", "I gave them {} in March and nothing came.", "退款账号{}。", "Bank account {}!",
        'wrote "{}" on the form',
    ),
    ipv4: (
        "The log says {} all night.", "It pings {}, why?", "Camera calls home to {}",
        "open http://{}/ in a browser", "My router ({}) drops out.", "{} is not mine!", "路由器地址{}，打不开",
        "连接{}失败。", "blocked {}; quiet since",
    ),
    ipv6: (
        "The log says {} all night.", "It pings {}, why?", "Camera calls home to {}.", "地址是{}，连不上",
        "My router has ({}) now.", "{} is not mine!", "连接{}失败。", "blocked {}; quiet since", "IPv6: {}",
    ),
    secret_link: (
        "My order: {}", "They mailed {} to everybody!", "Look at ({}).", "see {} before it expires",
        "链接{}，快看", "订单在这里：{}。", '<a href="{}">here</a>', "Support sent me {}; it is open to all.",
        "点这个{}就能退款",
    ),
}
"""Who makes a datum -> sentences that it stands in, in English and Chinese, with and without a word that tells."""

# fmt: on


@dataclass(frozen=True)
class Case:
    """A text and what was written into it, in order; everything else in it is harmless."""

    text: str
    written: tuple[Written, ...]

    @property
    def around(self) -> tuple[str, ...]:
        """The words around what was written, which masking must leave alone."""
        rest, words = self.text, []
        for one in self.written:
            before, _, rest = rest.partition(one.text)
            words.append(before)
        return tuple(
            filter(None, (part.strip(" .,;:!?()<>[]\"'/，。：；！？（）") for part in [*words, rest]))
        )


def made_cases(
    seed: int, *, of_each_datum: int = 40, of_each_look_alike: int = 20, mixed: int = 160
) -> list[Case]:
    """So many cases around each kind of datum and of look-alike, and so many with two to four of any kind."""
    rng = random.Random(seed)
    sentences = {**PERSONAL, **LOOK_ALIKES}
    made = [
        _case(rng, [(make, rng.choice(frames))])
        for kinds, num in ((PERSONAL, of_each_datum), (LOOK_ALIKES, of_each_look_alike))
        for make, frames in kinds.items()
        for _ in range(num)
    ]
    for _ in range(mixed):
        chosen = [rng.choice(list(rng.choice((PERSONAL, LOOK_ALIKES)))) for _ in range(rng.randrange(2, 5))]
        made.append(_case(rng, [(make, rng.choice(sentences[make])) for make in chosen]))
    return made


def _case(rng: random.Random, parts: list[tuple[Maker, str]]) -> Case:
    written = [make(rng) for make, _ in parts]
    sentences = [frame.format(one.text) for (_, frame), one in zip(parts, written, strict=True)]
    return Case(rng.choice((" ", " ", "\n", "  ")).join(sentences), tuple(written))
