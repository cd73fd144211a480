"""Text columns: from any Arrow type that holds text to strings that are valid UTF-8.

Parquet does not check its strings and pyarrow does not check them on reading, so everything here works on
the bytes, and a string is trusted only after it was decoded.
"""

import re
import uuid
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from reviewmine.contract.columns import first_misfit, joined

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"

_TEXT_TYPES: Final = frozenset(
    {
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.binary(),
        pa.large_binary(),
        pa.binary_view(),
        pa.null(),
    }
)

# ED A0..BF xx is how a surrogate looks when it is written as if it were a character; valid UTF-8 has no such
# bytes, so a match is never part of something else.
_SURROGATE_PAIR = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")


def is_text(column_type: pa.DataType) -> bool:
    """Whether columns of this plain type hold text: strings, or bytes of varying width, or nothing but nulls."""
    return column_type in _TEXT_TYPES


def is_identifier(column_type: pa.DataType) -> bool:
    """Whether columns of this plain type can name something: text, whole numbers, UUIDs, bytes of fixed width.

    Floats pass because writers without nullable integers turn integer ids into floats as soon as one is missing;
    their values are then checked to be whole.
    """
    return (
        is_text(column_type)
        or pa.types.is_integer(column_type)
        or pa.types.is_floating(column_type)
        or pa.types.is_decimal(column_type)
        or pa.types.is_fixed_size_binary(column_type)
        or _is_uuid(column_type)
    )


def raw_bytes(column: pa.ChunkedArray) -> pa.Array:
    """The bytes of a text column [rows], exactly as they were read, as one `binary` array; nulls stay null."""
    return joined(column.cast(pa.binary()))


def valid_strings(raw: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Decode a `binary` array [rows] to (`string` [rows], `bool` [rows] true where something was replaced).

    Two surrogates that form a pair become the character they stand for; a lone one, and every other byte
    that is not UTF-8, becomes U+FFFD.
    """
    try:
        return raw.cast(pa.string()), pa.repeat(pa.scalar(False), len(raw))
    except pa.ArrowInvalid:
        decoded = [None if value is None else _decoded(value) for value in raw.to_pylist()]
    strings = pa.array([None if pair is None else pair[0] for pair in decoded], pa.string())
    repaired = pa.array([pair is not None and pair[1] for pair in decoded], pa.bool_())
    return strings, repaired


def texts(column: pa.ChunkedArray) -> pa.Array:
    """A text column [rows] as valid `string` [rows]; what cannot be decoded becomes U+FFFD."""
    return valid_strings(raw_bytes(column))[0]


def identifiers(column: pa.ChunkedArray) -> pa.Array:
    """A column of ids [rows] as `string` [rows]: numbers in decimal, UUIDs in their usual form, bytes in hex.

    Raises:
        ValueError: a float or decimal id is not a whole number.
    """
    if _is_uuid(column.type):
        storage = joined(column).storage.to_pylist()
        return pa.array(
            [None if value is None else str(uuid.UUID(bytes=value)) for value in storage], pa.string()
        )
    if pa.types.is_fixed_size_binary(column.type):
        hexes = [None if value is None else value.hex() for value in column.to_pylist()]
        return pa.array(hexes, pa.string())
    if is_text(column.type):
        return texts(column)
    if not pa.types.is_integer(column.type):
        column = _whole(column)
    return joined(column.cast(pa.string()))


def _whole(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Floats or decimals [rows] as whole numbers [rows]; NaN, which stands for a missing float, becomes null."""
    try:
        return _cut_to_whole(column)
    except pa.ArrowInvalid:
        row = first_misfit(column, _cut_to_whole)
        raise ValueError(
            f"ids of type {column.type} must be whole numbers; the first that is none is number {row + 1} "
            f"of {len(column)}"
        ) from None


def _cut_to_whole(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_decimal(column.type):
        return column.cast(pa.decimal256(76 - max(0, column.type.scale), 0))
    floats = column.cast(pa.float64())
    return pc.if_else(pc.is_nan(floats), None, floats).cast(pa.int64())


def _decoded(value: bytes) -> tuple[str, bool]:
    try:
        return value.decode(), False
    except UnicodeDecodeError:
        paired = _SURROGATE_PAIR.sub(_character_of_pair, value)
        return _SURROGATE.sub(REPLACEMENT.encode(), paired).decode(errors="replace"), True


def _character_of_pair(match: re.Match[bytes]) -> bytes:
    pair = match.group().decode("utf-8", "surrogatepass")
    return pair.encode("utf-16-le", "surrogatepass").decode("utf-16-le").encode()


def _is_uuid(column_type: pa.DataType) -> bool:
    return bool(column_type == pa.uuid())
