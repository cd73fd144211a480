"""Carrying over: reviews of which an earlier generation says already what the model would say again."""

from collections.abc import Sequence

import pyarrow as pa

from reviewmine.annotate.prepare import language_of
from reviewmine.annotate.rows import of_the_table
from reviewmine.contract.annotations import COMPUTED_SCHEMA


def carry_over(
    reviews: pa.Table, earlier: pa.Table, *, source_file: str, carried: Sequence[pa.Field] = ()
) -> tuple[pa.Table, pa.Table | None]:
    """The conformed reviews [rows] that are still to be annotated, and rows of the table for all others.

    A review is the same as before if its raw title and body are, and its language too, which a column may have told.
    What a model made of it, and by which run and when, stays; all other columns are those of `reviews`.

    Args:
        earlier: rows of COMPUTED_SCHEMA with their `input_hash`, computed by the means that would be used now.
        source_file, carried: as for `assemble`.
    """
    if not earlier.num_rows:
        return reviews, None
    number_of: dict[tuple[str, str], int] = {}
    known = zip(earlier["input_hash"].to_pylist(), earlier["language"].to_pylist(), strict=True)
    for number, review in enumerate(known):
        number_of.setdefault(review, number)
    hashes = {input_hash for input_hash, _ in number_of}
    columns = (reviews[name].to_pylist() for name in ("input_hash", "language", "body"))
    numbers = pa.array(
        [
            number_of.get((input_hash, language_of(written, body or ""))) if input_hash in hashes else None
            for input_hash, written, body in zip(*columns, strict=True)
        ],
        pa.int64(),
    )
    computed = earlier.take(numbers.drop_null()).select(COMPUTED_SCHEMA.names)
    rows = of_the_table(
        reviews.filter(numbers.is_valid()),
        {name: computed[name] for name in computed.column_names},
        source_file=source_file,
        carried=carried,
    )
    return reviews.filter(numbers.is_null()), rows
