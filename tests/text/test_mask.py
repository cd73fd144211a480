from collections import Counter

import pytest
from golden_texts import golden
from hypothesis import given, settings
from hypothesis import strategies as st
from personal_data import Case, made_cases
from written_numbers import Written

from reviewmine.text.mask import mask, mask_error

# fmt: off
PIECES = st.lists(
    st.sampled_from([
        "1", "12", "555", "0", "01", "020", "00", "86 ", "+", "-", " ", ".", "(", ")", "/", "#", "@", "a",
        "x", "b.co", "call ", "me ", "at ", "order ", "version ", "phone number ", "电话", "[phone]",
        "http://", "?token=", "::", "DE89 3704 0044 0532 0130 00", "4111111111111111",
        "4111 1111 1111 1111", "13812345678", "192.168.1.25", "fe80::1:2", "11010519491231002X",
        "+1 555 123 4567", "020 7946 0958", "415 555 2671", "555-123-4567", " is my number", "＋８６", "（", "例",
        "1234567", "::ffff:", "https://", "de89", "/139", "DE89-3704-0044-0532-0130-00", "4222 222 222 222",
    ]),
    max_size=12,
).map("".join)
# fmt: on


@golden("mask")
def test_mask_gives_the_golden_text(text: str, expected: str) -> None:
    assert mask(text) == expected


@settings(max_examples=200)
@given(st.one_of(PIECES, st.text(alphabet="0123456789 -.+()/@abc:[]", max_size=40)))
def test_masking_twice_is_masking_once_and_nothing_grows(text: str) -> None:
    masked = mask(text)
    assert mask(masked) == masked
    assert len(masked) <= len(text)


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "1",
            "1 ",
            "a",
            "a@",
            "a.",
            ":",
            "a:",
            "+1 ",
            "01-",
            "a.bb/",
            "?a",
            "DE12 ",
            "call 1 ",
            "(123) ",
            "1.",
        ),
        *(
            "13812345678/",
            "01 23 45 67 89/",
            "4111-",
            "1 is my number ",
            "https://a.bb/？中",
            "order 1234567 ",
        ),
    ],
)
def test_a_flood_of_anything_is_masked(piece: str) -> None:
    """Quadratic time would not end within the limit of a test."""
    text = piece * (300_000 // len(piece))
    assert len(mask(text)) <= len(text)


@pytest.mark.parametrize("piece", [")", ".", ").", "/", "=", "_1a", "A1a", "中", "中/", "&key", "-"])
def test_a_link_that_never_ends_is_masked(piece: str) -> None:
    text = "https://a.bb/?token=1" + piece * (300_000 // len(piece))
    assert mask(text).startswith("[url]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("电话１３８１２３４５６７８，原价１２９９元", "电话[phone]，原价１２９９元"),
        ("身份证１１０１０５１９４９１２３１００２Ｘ", "身份证[id]"),
        ("call 415–555–0133 — or 4111\xa01111\xa01111\xa01111", "call [phone] — or [card]"),
        ("anna＠example.cn，谢谢", "[mail]，谢谢"),
    ],
)
def test_characters_of_other_keyboards_hide_nothing_and_stay_as_they_were_typed_where_nothing_is_masked(
    text: str, expected: str
) -> None:
    assert mask(text) == expected


# Measured on made cases -------------------------------------------------------------------------------------

SEED = 20261122
WINDOW = 6
"""So many characters of a datum in a row, standing in the masked text and nowhere else in the case, identify."""


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return made_cases(SEED)


def survives(one: Written, case: Case, masked: str) -> bool:
    datum, rest = one.identifying, case.text.replace(one.text, "")
    windows = (datum[start : start + WINDOW] for start in range(max(1, len(datum) - WINDOW + 1)))
    return any(window in masked and window not in rest for window in windows)


def test_the_cases_are_many_of_every_kind_and_the_same_for_the_same_seed(cases: list[Case]) -> None:
    assert len(cases) >= 600
    assert min(Counter(one.kind for case in cases for one in case.written).values()) >= 20
    assert cases == made_cases(SEED)
    assert sum(any("\u4e00" <= c <= "\u9fff" for c in case.text) for case in cases) > 200


def test_mask_finds_nearly_all_personal_data_and_alters_hardly_anything_else(cases: list[Case]) -> None:
    found: Counter[str] = Counter()
    written: Counter[str] = Counter()
    missed, altered = [], []
    for case in cases:
        masked = mask(case.text)
        written.update(one.kind for one in case.written)
        for one in case.written:
            if one.identifying and survives(one, case, masked):
                missed.append(f"{one.kind}: {case.text!r} -> {masked!r}")
            elif not one.identifying and one.text not in masked:
                altered.append(f"{one.kind}: {case.text!r} -> {masked!r}")
            else:
                found[one.kind] += 1
        lost = [words for words in case.around if words not in masked]
        altered += [f"words around: {case.text!r} -> {masked!r}"] * len(lost)
    personal = {one.kind for case in cases for one in case.written if one.identifying}
    num_found = sum(found[kind] for kind in personal)
    recall = num_found / sum(written[kind] for kind in personal)
    precision = num_found / (num_found + len(altered))
    lines = [
        f"{len(cases)} cases: recall {recall:.3f}, precision {precision:.3f}; masked, or left alone, as it should be:",
        *(f"  {kind}: {found[kind]} of {written[kind]}" for kind in written),
        *missed,
        *altered,
    ]
    assert recall >= 0.98, "\n".join(lines)
    assert precision >= 0.95, "\n".join(lines)


# In messages ------------------------------------------------------------------------------------------------


def test_an_exception_loses_the_personal_data_that_it_and_its_causes_quote() -> None:
    cause, context = KeyError("anna@example.org"), ValueError("4111 1111 1111 1111")
    raised = ValueError("no number: 'call 415-555-0133'", 7)
    raised.__cause__, cause.__context__ = cause, context
    mask_error(raised)
    assert raised.args == ("no number: 'call [phone]'", 7)
    assert cause.args == ("[mail]",)
    assert context.args == ("[card]",)


def test_exceptions_that_lead_to_each_other_are_masked_all_the_same() -> None:
    first, second = ValueError("anna@example.org"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    mask_error(first)
    assert first.args == ("[mail]",)
