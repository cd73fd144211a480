"""The reviews of the bench: the same rows for every contender, each text once."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from reviewmine.contract.reviews import ReviewColumns, conform
from reviewmine.demo.archive import demo_reviews
from reviewmine.demo.make_archive import read_reviews
from reviewmine.errors import ArchiveError


@dataclass(frozen=True, kw_only=True)
class BenchReviews:
    """Reviews [rows] as reviewmine reads them, and as one text each for those who read only one."""

    origin: str
    conformed: pa.Table
    """REVIEWS_SCHEMA [rows]."""
    texts: list[str]
    """Title, a full stop where it has none, and body [rows]; not cleaned."""

    def __len__(self) -> int:
        return len(self.texts)


def bench_reviews(examples: Path | None, *, num_rows: int, seed: int) -> BenchReviews:
    """At most `num_rows` reviews of a file, or made ones, chosen by `seed` and left in their order.

    Blank reviews are left out, and of equal ones all but the first: the annotator reads equal reviews once, which
    would flatter it beside those that read each of them.

    Raises:
        ArchiveError: the file cannot be read, has no `body`, or holds no review.
    """
    if examples is None:
        found, origin = demo_reviews(seed=seed, rows=2 * num_rows), f"made reviews, seed {seed}"
    else:
        found, origin = read_reviews(examples), str(examples)
    if "body" not in found.column_names:
        raise ArchiveError(f"{origin}: no column `body` among {found.column_names}")
    columns = {name: found[name] for name in ("title", "body", "language") if name in found.column_names}
    columns["review_id"] = pa.array([f"row {row}" for row in range(found.num_rows)], pa.string())
    conformed = conform(pa.table(columns), ReviewColumns(), where=origin)
    texts = [
        _text(title or "", body or "")
        for title, body in zip(conformed["title"].to_pylist(), conformed["body"].to_pylist(), strict=True)
    ]
    is_blank = [not (body or "").strip() for body in conformed["body"].to_pylist()]
    first_rows = {text: row for row, text in reversed([*enumerate(texts)]) if not is_blank[row]}
    rows = np.sort(np.fromiter(first_rows.values(), np.int64, count=len(first_rows)))
    if not len(rows):
        raise ArchiveError(f"{origin}: no review in it")
    rows = np.sort(np.random.default_rng(seed).permutation(rows)[:num_rows])
    return BenchReviews(
        origin=origin, conformed=conformed.take(pa.array(rows)), texts=[texts[row] for row in rows]
    )


def _text(title: str, body: str) -> str:
    if not title:
        return body
    return f"{title}{'.' if title[-1].isalnum() else ''} {body}"
