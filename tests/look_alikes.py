"""Numbers and words of shop reviews that look like personal data and are none: masking must leave them alone."""

import random
from typing import Final

from written_numbers import (
    Maker,
    Written,
    digits,
    grouped,
    luhn_sum,
    spelt,
    with_ean_digit,
    with_identity_digit,
    with_isbn_digit,
)

# fmt: off
_CAPITALS: Final = "ABCDEFGHJKLMNPRSTUVWXYZ"


def _capitals(rng: random.Random, num: int) -> str:
    return "".join(rng.choice(_CAPITALS) for _ in range(num))


# Numbers of shops and makers ------------------------------------------------------------------------------


def order_number(rng: random.Random) -> Written:
    forms = (
        f"11{digits(rng, 1)}-{digits(rng, 7)}-{digits(rng, 7)}", f"#{digits(rng, 8)}",
        f"SO-2024-{digits(rng, 6)}",
        f"{digits(rng, 2)}-{digits(rng, 5)}-{digits(rng, 5)}", f"45{digits(rng, 8)}", digits(rng, 12),
        f"{_capitals(rng, 2)}{digits(rng, 9)}", f"{digits(rng, 3)}-{digits(rng, 3)}-{digits(rng, 4)}",
    )
    return Written("order number", rng.choice(forms))


def chinese_order_number(rng: random.Random) -> Written:
    day = f"2023{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}"
    forms = (
        f"{day}{digits(rng, 10)}", f"{day}{digits(rng, 11)}", f"37{digits(rng, 17)}",
        f"1{digits(rng, 11)}",
    )
    return Written("chinese order number", spelt(rng, rng.choice(forms)))


def tracking_number(rng: random.Random) -> Written:
    forms = (
        f"1Z{digits(rng, 3)}AA{digits(rng, 10)}",
        f"9400 1{digits(rng, 3)} {grouped(digits(rng, 14), (4,) * 4, ' ')}", f"SF{digits(rng, 13)}",
        f"RR{digits(rng, 9)}CN", grouped(digits(rng, 12), (4, 4, 4), " "), digits(rng, 12),
        f"0150 {digits(rng, 4)} {digits(rng, 4)} {digits(rng, 2)}", f"JD{digits(rng, 16)}",
        f"YT{digits(rng, 13)}",
    )
    return Written("tracking number", rng.choice(forms))


def model_number(rng: random.Random) -> Written:
    made = f"{_capitals(rng, 2)}-{digits(rng, 4)}{_capitals(rng, 1)}"
    known = (
        "Nokia 3310", "WH-1000XM4", "SM-G991B", "RTX 3080 Ti", "i7-12700K", "LG 27GP850-B", "CR2032",
        "DCD796D2",
        "XPS 13 9310", "Canon EOS 80D 18-135", "ISO 9001:2015", "EN 60335-1:2012", "RS-232", "802.11ax",
        "DDR4-3200 CL16-18-18-38", "ESP32-WROOM-32D", "6205-2RS", "205/55 R16 91V", "A2337",
        "i5-1135G7 8GB 512GB", "Galaxy S21 5G 128", "HP 305XL", "Pixel 7a", "SKF 6305-2Z/C3",
        "NGK 7090 BPR6ES-11", "Ryzen 9 5900X",
    )
    return Written("model number", rng.choice((*known, made, f"{made}/{digits(rng, 2)}")))


def part_number(rng: random.Random) -> Written:
    three, four = digits(rng, 3), digits(rng, 4)
    forms = (
        f"555-{four}-{_capitals(rng, 3)}", f"{three}-{four}-000", f"06A {three} 115 {_capitals(rng, 1)}",
        f"0 280 {three} {digits(rng, 3)}", f"11 12 7 {three} {digits(rng, 3)}", f"000 {three} 82 01",
        f"650-{three}-{four}A", f"{_capitals(rng, 3)}{four}-{three}", f"{four}.{three}.{digits(rng, 2)}",
        f"1-{three}-{three}-{digits(rng, 2)}",
    )
    return Written("part number", rng.choice(forms))


def serial_number(rng: random.Random) -> Written:
    forms = (
        f"5CD{digits(rng, 4)}{_capitals(rng, 3)}", f"138{digits(rng, 8)}", f"0{digits(rng, 11)}",
        digits(rng, 14), f"2102351{_capitals(rng, 3)}10E{digits(rng, 7)}",
        f"C02{_capitals(rng, 2)}{digits(rng, 3)}{_capitals(rng, 4)}",
    )
    return Written("serial number", rng.choice(forms))


def book_or_bar_code(rng: random.Random) -> Written:
    book = with_ean_digit(f"978{digits(rng, 9)}")
    goods = with_ean_digit(rng.choice(("400638", "692012", "506010", "301762", "888446")) + digits(rng, 6))
    short = with_isbn_digit(digits(rng, 9))
    forms = (
        book, f"{book[:3]}-{book[3]}-{book[4:7]}-{book[7:12]}-{book[12]}", goods, goods,
        with_ean_digit(digits(rng, 11)),
        f"{short[0]}-{short[1:4]}-{short[4:9]}-{short[9]}", short, grouped(goods, (1, 6, 6), " "),
        grouped(book, (3, 1, 2, 6, 1), " "), f"0 {digits(rng, 5)} {digits(rng, 5)} {digits(rng, 1)}",
    )
    return Written("book or bar code", rng.choice(forms))


# Numbers with a wrong check digit ---------------------------------------------------------------------------


def no_card(rng: random.Random) -> Written:
    number = rng.choice(("4", "5")) + digits(rng, 15)
    while luhn_sum(number) % 10 == 0:
        number = rng.choice(("4", "5")) + digits(rng, 15)
    return Written("no card", grouped(number, (4, 4, 4, 4), rng.choice(("", " ", "-"))))


def no_identity(rng: random.Random) -> Written:
    born = f"{rng.randrange(1940, 2011)}{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}"
    number = with_identity_digit(f"110105{born}{digits(rng, 3)}")
    wrong = rng.choice([last for last in "0123456789X" if last != number[-1]])
    return Written("no chinese id", spelt(rng, number[:-1] + wrong))


# Quantities -------------------------------------------------------------------------------------------------


def price(rng: random.Random) -> Written:
    euros, cents = digits(rng, 3).replace("0", "7"), digits(rng, 2)
    forms = (
        f"$1,{euros}.{cents}", f"€1.{euros},{cents}", f"1{euros}.{cents} USD", f"¥3,{euros}",
        f"¥138{euros}.{cents}", f"3{euros}元", f"£{euros}.{cents}", f"Rs. 1,{cents},{euros}",
        f"1 {euros},{cents} €", f"20 {euros} rubles", f"1.{euros}.000 đ", f"2 x ${euros}.{cents}",
        f"$0.{euros}5", f"{euros},- SEK", f"CHF 1'{euros}.{cents}",
        f"{euros}.{cents} + 19.{cents} + 4.{cents}",
    )
    return Written("price", rng.choice(forms))


def date(rng: random.Random) -> Written:
    year, month, day = rng.randrange(1998, 2027), rng.randrange(1, 13), rng.randrange(1, 29)
    forms = (
        f"{year}-{month:02d}-{day:02d}", f"{month:02d}/{day:02d}/{year}", f"{day:02d}.{month:02d}.{year}",
        f"{day} March {year}", f"{year}年{month}月{day}日", f"{year}{month:02d}{day:02d}",
        f"{year}.{month:02d}.{day:02d}", f"{year}/{month:02d}/{day:02d} 10:30:15",
        f"{year}-{month:02d}-{day:02d}T10:30:15Z", f"{year}-{year + 3}",
        f"{day:02d}-{month:02d}-{year} 10:30", f"{month:02d}/{year}", f"Jan {day}, {year}",
        f"{day:02d}.{month:02d}.{year % 100:02d} 18:45", f"01.02.{year} - {day:02d}.03.{year}",
        f"{year}{month:02d}{day:02d}103015", f"{year}-{month:02d}-{day:02d} to {year}-12-{day:02d}",
        f"0{month % 9 + 1}/{day:02d}/{year}-10/{day:02d}/{year}", f"0{month % 9 + 1} {day:02d} {year} 1030",
        f"{year}-{month:02d}-{day:02d} 14:22:31.{digits(rng, 6)}", f"01 02 {year}",
        f"01-02-{year} 03-04-{year}",
    )
    return Written("date", rng.choice(forms))


def time(rng: random.Random) -> Written:
    minute = f"{rng.randrange(60):02d}"
    forms = (
        f"10:{minute}", f"7:{minute}pm", f"23:59:{minute}", f"08:00-18:{minute}",
        f"14:05:33.{digits(rng, 3)}", f"9.30 - 17.{minute}", f"10:30:00:{minute}",
        f"8:{minute}–9:{minute}", f"1:02:{minute}.{digits(rng, 2)}", f"17{digits(rng, 8)}",
        f"17{digits(rng, 11)}", f"08.00-12.{minute} 13.30-18.00", f"08:00-12:{minute}, 13:30-18:00",
    )
    return Written("time", rng.choice(forms))


def dimensions(rng: random.Random) -> Written:
    a, b, c = (rng.randrange(20, 300) for _ in range(3))
    forms = (
        f"{a} x {b} x {c} cm", f"{a}x{b}x{c}", f"{a}*{b}*{c}cm", f"{a}-{b}-{c} mm", f"{a} {b} {c} mm",
        f"{a}×{b}",
        f"{a}.5 x {b}.25 in", "36 37 38 39 40 41 42", "sizes 34-36-38-40-42-44-46", f"8 5/8 x 11 x {c}",
        f"{a}/{b}/{c}", "1920x1080", "3840 x 2160", "2560*1440@165Hz", "4096×2160", "1920 1080 60 10",
        "1800 2200 3300 rpm", "3000-4000-5000 K", f"2{b} x 3{a} x 1000", "0.800 0.850 0.900", "1:1000000",
    )
    return Written("dimensions or resolution", rng.choice(forms))


def version(rng: random.Random) -> Written:
    a, b = rng.randrange(2, 10), rng.randrange(10, 200)
    forms = (
        f"version {a}.0.{b}.12", f"v{a}.{b}.4", f"firmware {a}.0.9.{b}", f"Windows 10.0.{b}45.3448",
        f"iOS 17.{a}.1", f"driver 31.0.15.{b}", f"固件版本{a}.0.9.{b}", f"update to {a}.2.1.{b}",
        f"build {b}.0.4.{a}", f"v1.2.{a}.{b}", f"{a}.4.1", "1.2.3.4", f"版本号：{a}.1.10.{b}",
        f"firmware version is {a}.0.10.{b}", f"Android {a}.1.2",
        f"Nextgen Reader {a}.2.0.{b}", f"v. {b}.0.1.{a}", f"app version {a}.12.3.{b}",
    )
    return Written("version", rng.choice(forms))


def quantity(rng: random.Random) -> Written:
    a = rng.randrange(2, 10)
    forms = (
        f"{a},000,000", "10 000 mAh", "100 000 000", "20000mAh", f"{a}000 lumens 6500K", "16GB/512GB",
        "1000000", f"{a} 000 000 000", f"0x{digits(rng, 8)}", "100 200 300 400 500", f"{a}99999999",
        f"90210-{digits(rng, 4)}",
        f"1 2 3 4 5 6 7 8 {a} 10", "12V 7Ah / 24V 10Ah / 36V 20Ah", f"10-20-30-40-5{a}", "10000000 times",
        "255.255.255.0", "#1A2B3C", "8e11fda46dccb487787dc955a79b194c26ac15e0", f"€ {a} 234 567,89",
    )
    return Written("quantity", rng.choice(forms))


def share(rng: random.Random) -> Written:
    part = digits(rng, 2)
    forms = (
        f"99.{part}%", f"12.{part} %", f"0.0{part}%", "100%", "5/5", "4.5/5", "10/10", "3 out of 5",
        "★★★★☆ 4/5",
        "5 5 5 4 5", "16:9", "4:3", "1:2:3", "50/50", "24/7", "60-40", "1:10:100:1000", "9.5/10 8/10 7/10",
    )
    return Written("share or rating", rng.choice(forms))


def decimal(rng: random.Random) -> Written:
    forms = (
        "3.14159265358979", "0.000123456789", "1.41421356237", f"299792458.{digits(rng, 4)}",
        f"-12.{digits(rng, 10)}",
        f"12345{digits(rng, 5)}.{digits(rng, 6)}", "1e-10", f"0,{digits(rng, 9)}", "6.02214076e23",
        f"0.{digits(rng, 16)}", f"1.{digits(rng, 15)}", f"1,234,567.{digits(rng, 8)}",
    )
    return Written("decimal", rng.choice(forms))


# Words ------------------------------------------------------------------------------------------------------


def plain_link(rng: random.Random) -> Written:
    number = digits(rng, 11)
    forms = (
        f"https://www.example.com/dp/B0{digits(rng, 1)}QJD{_capitals(rng, 2)}KY",
        f"https://example.org/p/{number[:4]}", "example.com/some-long-product-name-of-2024?color=red",
        f"https://example.com/watch?v=dQw4w9WgX{_capitals(rng, 2)}",
        f"https://shop.example.com/search?keywords=usb+c&page={number[:1]}",
        f"www.example.net/item/{number}.html",
        f"https://example.com/Kettle-Steel-1-7L/dp/B07XJ8C8F5/ref=sr_1_1?dchild=1&qid=15862{number[:5]}&sr=8-1",
        f"https://item.example.cn/item.htm?id=61{number[:10]}&skuId=49{number}",
        "https://example.org/docs/v1.2.3/", f"https://example.com/products/mug?variant=43{number}",
        f"http://example.com/{number[:4]}/05/12/review",
        "https://example.com/?utm_source=letter&utm_campaign=spring2024",
        "https://example.com/passwords-how-to#keys",
        "https://example.org/my_long_product_name_of_the_2024_edition",
        f"https://example.com/dp/B0016NQ49Q/?tag=mine-20&camp=0&linkCode=as4&creativeASIN=B00{number[:2]}NQ49Q",
    )
    return Written("plain link", rng.choice(forms))


def handle(rng: random.Random) -> Written:
    forms = (
        "@nikonusa", "@sony_alpha", "@lego", "@samsung.de", "@home", "AT&T", "2@5.99", "5 pcs @ 3.99",
        "@Dyson_UK", "std::vector", "a::b", "foo@bar", "@@@", "#1 @ $20", "C:\\Users", "me@work", "@12V",
        "85@100Hz", "//@ts-ignore",
    )
    return Written("handle", rng.choice(forms))


LOOK_ALIKES: Final[dict[Maker, tuple[str, ...]]] = {
    order_number: (
        "My order {} never arrived.", "Order number: {}", "Order {} was late",
        "order no. {}, still waiting", "Ordered twice (order {}), both broken", "订单{}一直没发货",
        "invoice {} is wrong", "Ref. {}: no reply",
        "My order from March, {}, never came.", "I ordered it ({}) in May", "{} is my order number",
    ),
    chinese_order_number: (
        "订单号{}，一直没发货。", "订单编号：{}，等了三周", "订单{}还没到", "单号是{}！", "我的订单号码是{}。",
    ),
    tracking_number: (
        "Tracking {} says delivered.", "tracking number: {}", "The parcel ({}) is lost", "快递单号{}",
        "运单号：{}。", "Shipment {} went to the wrong town", "tracking no {} shows nothing",
    ),
    model_number: (
        "I have the {} and love it.", "型号是{}，不错", "Works with my {}!", "{} is better", "({})", "比{}好用。",
    ),
    part_number: (
        "Part {} does not fit.", "Part number: {}", "I needed part no. {}, got another", "零件号{}不对",
        "P/N {}.", "replaces part {}", "the article number is {}", "Model {} is out of stock",
        "Lot {}", "batch no. {}, bad", "批号{}",
    ),
    serial_number: (
        "Serial {} is fake.", "Serial number: {}", "S/N {}, made in 2021", "序列号：{}。", "SN {}", "序列号{}查不到",
    ),
    book_or_bar_code: (
        "ISBN {} is the old edition.", "The barcode says {}.", "条形码{}，正品", "EAN {}",
        "bar code ({}) is wrong", "{} is on the box.", "扫码{}查到是正品。",
    ),
    no_card: (
        "The sticker says {}.", "编号{}。", "Gift card {} is refused.", "{} is printed below", "code ({})",
    ),
    no_identity: ("编号{}。", "The label says {}.", "（{}）", "条码是{}，扫不出来", "{} is on the box"),
    price: (
        "It cost {} last week.", "Paid {}, worth it", "{} is too much!", "价格{}，有点贵", "({})", "原价{}。",
        "now {} instead of 20", "I paid {} by card",
    ),
    date: (
        "Bought on {}.", "{}: still fine", "Since {} it is dead", "生产日期{}。", "({})",
        "had it from {}, no trouble", "call me impressed, {} and it still works", "保质期到{}，放心",
    ),
    time: ("They came at {}.", "It shows {}!", "({})", "时间{}，准时", "lasted {}", "from {} on", "时间戳{}"),
    dimensions: (
        "It is {}.", "Size {}, fits", "尺寸{}，刚好", "({})", "I measured {}!", "{} is small", "runs at {}",
    ),
    version: ("After {} it broke.", "It has {}.", "{}之后就好了", "({})", "Still {}?", "on {} all is well"),
    quantity: (
        "It has {}.", "about {} of them", "大概{}。", "({})", "{} is a lot", "counted {}!", "容量{}，够用",
        "can reach {}",
    ),
    share: ("I give {}.", "{} from me", "评分{}。", "({})", "{}!", "好评{}", "would call it {} any day"),
    decimal: (
        "It shows {}.", "measured {}, as promised", "结果是{}。", "({})", "{} is what I get", "value: {}",
    ),
    plain_link: (
        "See {} for pictures", "Look at ({}).", "链接{}，快看", "Bought here: {}", "<{}>", "在{}买的",
        "{} is cheaper.",
    ),
    handle: (
        "Thanks {} for this.", "{} never disappoints", "关注{}。", "({})", "I wrote {}!", "got {} of these",
    ),
}
"""Who makes a look-alike -> sentences that it stands in; numbers of orders and parts are called what they are."""
# fmt: on
