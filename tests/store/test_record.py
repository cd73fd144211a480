"""Records: JSON that is read back as it was written, or refused with its name."""

import pytest

from reviewmine.errors import TableError
from reviewmine.store.record import Record, digest


class Crate(Record):
    apples: int
    origin: str | None = None


def test_a_record_is_read_back_as_it_was_written():
    crate = Crate(apples=3, origin="Gösgen")
    assert Crate.decode(crate.encode(), where="x") == crate


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "the whole: Invalid JSON"),
        (b'{"apples": 3', "the whole: Invalid JSON"),
        (b'{"origin": "x"}', "apples: Field required"),
        (b'{"apples": "three"}', "apples: Input should be a valid integer"),
        (b'{"apples": 3, "pears": 4}', "pears: Extra inputs are not permitted"),
        (b"\xff\xfe", "the whole: Invalid JSON"),
    ],
)
def test_a_record_that_is_cut_off_altered_or_too_new_is_refused_with_its_name(body, told):
    with pytest.raises(
        TableError, match=f"meta/crate.json: not a crate that this reviewmine can read: {told}"
    ):
        Crate.decode(body, where="meta/crate.json")


def test_a_digest_keeps_its_parts_apart():
    assert digest("ab", "c") != digest("a", "bc") != digest("abc")
    assert digest("a", 1) == digest("a", "1")
    assert len(digest()) == 32
