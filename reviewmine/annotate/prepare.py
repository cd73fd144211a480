"""Preparing: everything about a review that needs no network: its language, its status and its token ids.

Only the tokenizer of the checkpoint is loaded, so preparing runs on CPU workers beside the annotators.
"""

from collections.abc import Sequence, Set
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from reviewmine.annotate.isolate import isolated
from reviewmine.contract.language_codes import iso_639_1
from reviewmine.labels import UNKNOWN_LANGUAGE, Status
from reviewmine.model.inspect import inspect_checkpoint, load_text_encoder
from reviewmine.text.encode import EncodedReview
from reviewmine.text.language import identify
from reviewmine.text.sentences import Span, cleaned_sentences

NUMBERS: Final = pa.list_(pa.field("element", pa.int32(), nullable=False))
SENTENCE_FIELDS: Final = (
    "sentence_starts",
    "sentence_ends",
    "sentence_first_tokens",
    "sentence_last_tokens",
)
"""The sentences of a row: half-open ranges of code points of `body`, and of tokens of `token_ids`."""

PREPARED_FIELDS: Final = (
    pa.field("status", pa.string()),
    pa.field("token_ids", NUMBERS),
    *(pa.field(name, NUMBERS) for name in SENTENCE_FIELDS),
)
"""What preparing adds; its lists are empty where the status says that the network is not to read the row."""


class _Review(NamedTuple):
    """What there is to prepare; reviews that are equal in this are prepared once."""

    title: str | None
    body: str
    written_language: str | None
    is_repaired: bool


class _Prepared(NamedTuple):
    """What PREPARED_FIELDS and the language of a row say."""

    language: str
    status: Status
    encoded: EncodedReview = EncodedReview([], False, [], [])


_FAILED: Final = _Prepared(UNKNOWN_LANGUAGE, "failed")


class Preparer:
    """Prepares reviews for one checkpoint."""

    def __init__(
        self,
        checkpoint: str | Path,
        *,
        expected_digest: str | None = None,
        annotate_unsupported: bool = False,
    ) -> None:
        """Load the tokenizer of the checkpoint directory.

        Args:
            annotate_unsupported: have reviews annotated whose language the checkpoint was not made for, too.

        Raises:
            CheckpointError: the directory is no checkpoint, was altered, or has another digest.
        """
        spec, _ = inspect_checkpoint(Path(checkpoint), expected_digest=expected_digest)
        self._languages = frozenset(spec.languages)
        self._annotate_unsupported = annotate_unsupported
        self._encoder = load_text_encoder(checkpoint)

    def __call__(self, reviews: pa.Table, failed_rows: Set[int] = frozenset()) -> pa.Table:
        """Reviews [rows] of REVIEWS_SCHEMA with their language settled and PREPARED_FIELDS behind them.

        A language column is believed where it holds a code; the other reviews are identified. A review is `empty`
        if cleaning leaves nothing of its body, whatever its title says: there is nothing to summarise. One that
        was repaired and is too long as well is `repaired`.

        Args:
            failed_rows: source rows that crashed a worker: they come out as `failed`, their text is not touched.
        """
        of_rows = [
            None if source_row in failed_rows else review
            for source_row, review in zip(reviews["source_row"].to_pylist(), _reviews(reviews), strict=True)
        ]
        prepared: dict[_Review, _Prepared] = {}

        def prepare(some: Sequence[_Review]) -> None:
            prepared.update(zip(some, self._prepare(some), strict=True))

        isolated(prepare, [list(dict.fromkeys(review for review in of_rows if review))])
        number_of: dict[_Review | None, int] = {review: number for number, review in enumerate(prepared)}
        columns = _columns([*prepared.values(), _FAILED])
        columns = columns.take(
            pa.array([number_of.get(review, len(prepared)) for review in of_rows], pa.int64())
        )
        language = reviews.schema.get_field_index("language")
        settled = reviews.set_column(language, "language", columns["language"])
        for field in PREPARED_FIELDS:
            settled = settled.append_column(field, columns[field.name])
        return settled

    def _prepare(self, reviews: Sequence[_Review]) -> list[_Prepared]:
        """What is known of each of `reviews`; those that the network is to read are encoded in one go."""
        languages = [language_of(review.written_language, review.body) for review in reviews]
        is_read = [self._annotate_unsupported or language in self._languages for language in languages]
        to_read = [review for review, read in zip(reviews, is_read, strict=True) if read]
        encoded = iter(
            self._encoder.encode([review.title for review in to_read], [review.body for review in to_read])
        )
        return [
            _with_tokens(review, language, next(encoded)) if read else _without_tokens(review, language)
            for review, language, read in zip(reviews, languages, is_read, strict=True)
        ]


def language_of(written: str | None, body: str) -> str:
    """The language of a review: what its column says where that is a code, or what its body looks like."""
    return iso_639_1(written) or identify(body)


def _with_tokens(review: _Review, language: str, encoded: EncodedReview) -> _Prepared:
    if not encoded.sentences:
        first = _first_sentence(review.body)
        if first is None:
            return _Prepared(language, "empty")
        # A long title may fill the network; then the first sentence speaks for the body, unread.
        encoded = replace(encoded, sentences=[first], sentence_tokens=[(0, len(encoded.token_ids))])
    return _Prepared(
        language, "repaired" if review.is_repaired else "truncated" if encoded.truncated else "ok", encoded
    )


def _without_tokens(review: _Review, language: str) -> _Prepared:
    return _Prepared(language, "unsupported_language" if _first_sentence(review.body) else "empty")


def _first_sentence(body: str) -> Span | None:
    return next((span for span, _ in cleaned_sentences(body)), None)


def _reviews(reviews: pa.Table) -> list[_Review]:
    names = ("title", "body", "language", "repaired")
    columns = zip(*(reviews[name].to_pylist() for name in names), strict=True)
    return [_Review(title, body or "", language, repaired) for title, body, language, repaired in columns]


def _columns(prepared: Sequence[_Prepared]) -> pa.Table:
    encoded = [one.encoded for one in prepared]
    arrays = [
        pa.array([one.language for one in prepared], pa.string()),
        pa.array([one.status for one in prepared], pa.string()),
        _numbers([one.token_ids for one in encoded]),
        _numbers([[span.start for span in one.sentences] for one in encoded]),
        _numbers([[span.end for span in one.sentences] for one in encoded]),
        _numbers([[first for first, _ in one.sentence_tokens] for one in encoded]),
        _numbers([[last for _, last in one.sentence_tokens] for one in encoded]),
    ]
    return pa.Table.from_arrays(
        arrays, schema=pa.schema([pa.field("language", pa.string()), *PREPARED_FIELDS])
    )


def _numbers(lists: Sequence[Sequence[int]]) -> pa.Array:
    offsets = np.cumsum([0, *map(len, lists)], dtype=np.int32)
    values = np.fromiter(chain.from_iterable(lists), np.int32, count=int(offsets[-1]))
    return pa.ListArray.from_arrays(offsets, values, type=NUMBERS)
