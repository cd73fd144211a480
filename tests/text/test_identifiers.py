import pytest

from reviewmine.text.identifiers import is_card, is_chinese_id, is_ean, is_iban, is_ipv4, is_ipv6


@pytest.mark.parametrize(
    "digits",
    [
        "4111111111111111",
        "5500005555555559",
        "378282246310005",
        "6011000990139424",
        "30569309025904",
        "4222222222222",
    ],
)
def test_numbers_of_known_issuers_that_pass_luhn_are_cards(digits: str) -> None:
    assert is_card(digits)


@pytest.mark.parametrize(
    "digits",
    ["4111111111111112", "9780306406157", "490154203237518", "0000000000000000", "1111111111111117", "123"],
)
def test_wrong_check_digits_books_and_devices_are_no_cards(digits: str) -> None:
    assert not is_card(digits)


def test_an_article_number_has_its_check_digit() -> None:
    assert is_ean("4006381333931")
    assert not is_ean("4006381333932")
    assert not is_ean("4222222222222")
    assert not is_ean("012345678905")


def test_any_one_wrong_digit_is_seen_in_a_chinese_identity_number() -> None:
    number = "11010519491231002X"
    assert is_chinese_id(number)
    assert is_chinese_id(number.lower())
    for place in range(17):
        changed = str((int(number[place]) + 1) % 10)
        assert not is_chinese_id(number[:place] + changed + number[place + 1 :])


def test_an_iban_has_its_countrys_length_and_check_digits() -> None:
    assert is_iban("GB82WEST12345698765432")
    assert is_iban("NO9386011117947")
    assert not is_iban("GB82WEST12345698765431")
    assert not is_iban("GB82WEST1234569876543")
    assert not is_iban("ZZ82WEST12345698765432")


def test_a_quad_that_begins_with_three_single_digits_is_a_version_and_no_address() -> None:
    assert is_ipv4("10.0.0.17")
    assert not is_ipv4("1.2.3.4")
    assert not is_ipv4("6.2.0.17")
    assert not is_ipv4("192.168.1.256")


@pytest.mark.parametrize("text", ["255.255.255.0", "127.0.0.100", "0.0.0.123"])
def test_masks_of_networks_and_this_very_machine_lead_to_nobody(text: str) -> None:
    assert not is_ipv4(text)


def test_two_groups_are_code_and_no_address() -> None:
    assert is_ipv6("2001:db8::1")
    assert is_ipv6("fe80::1")
    assert not is_ipv6("a::b")
    assert not is_ipv6("12:30:45")
