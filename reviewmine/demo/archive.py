"""The demo archive: fourteen days of reviews of eight products, with a firmware update that goes wrong.

The same seed gives the same bytes under the same pyarrow; files that stand already are not touched, so that their
times of change, which are part of a local file's identity, stay.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from reviewmine.demo import phrases
from reviewmine.demo.composing import Composer, Tone
from reviewmine.demo.partitioned import archive_files
from reviewmine.demo.products import PRODUCTS, Product
from reviewmine.demo.wording import Chance
from reviewmine.errors import UsageError

FIRST_DAY: Final = datetime(2026, 3, 2, tzinfo=UTC)
NUM_DAYS: Final = 14
DEMO_SCHEMA: Final = pa.schema(
    [
        ("review_id", pa.string()),
        ("product_id", pa.string()),
        ("product_name", pa.string()),
        ("user_id", pa.string()),
        ("rating", pa.int32()),
        ("title", pa.string()),
        ("body", pa.string()),
        ("helpful_votes", pa.int32()),
        ("reviewed_at", pa.timestamp("us", tz="UTC")),
    ]
)

_LOVED: Final[dict[Tone, float]] = {"++": 40, "+": 30, "=": 8, "mixed": 9, "-": 8, "--": 5}
_LIKED: Final[dict[Tone, float]] = {"++": 26, "+": 31, "=": 11, "mixed": 13, "-": 11, "--": 8}
_DISPUTED: Final[dict[Tone, float]] = {"++": 15, "+": 20, "=": 12, "mixed": 17, "-": 18, "--": 18}
_TONES: Final = {
    "RM-1001": _LOVED,
    "RM-1002": _LIKED,
    "RM-1003": _DISPUTED,
    "RM-1004": _LOVED,
    "RM-1005": _LOVED,
    "RM-1006": _DISPUTED,
    "RM-1007": _LIKED,
    "RM-1008": _LIKED,
}
_SALES: Final = {"RM-1001": 22, "RM-1002": 16, "RM-1003": 14, "RM-1004": 11, "RM-1005": 9, "RM-1006": 12} | {
    "RM-1007": 8,
    "RM-1008": 8,
}

# Day of the series: what share of the reviews of the headphones is about the bad update, how many times as many
# of them are written, and what share tells that a later update mended it.
_UPDATE: Final = {
    8: (0.82, 3.2, 0.0),
    9: (0.7, 2.6, 0.0),
    10: (0.45, 1.7, 0.0),
    11: (0.15, 1.3, 0.35),
    12: (0.04, 1, 0.2),
}
_ANGRY: Final[dict[Tone, float]] = {"--": 85, "-": 15}
_RELIEVED: Final[dict[Tone, float]] = {"+": 70, "=": 20, "++": 10}
_ID_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def make_demo_archive(root: Path, *, seed: int = 7, rows: int = 3000) -> None:
    """Put the demo archive at `root`, in partitions `dt=2026-03-02` to `dt=2026-03-15`, two files in each.

    Raises:
        UsageError: fewer rows than days, or `root` holds Parquet files that are not of this archive.
    """
    if rows < NUM_DAYS:
        raise UsageError(f"demo archive of {rows} rows: expected at least {NUM_DAYS}, one for each day")
    files = dict(
        archive_files(
            demo_reviews(seed=seed, rows=rows),
            partition_by="day",
            files_per_partition=2,
            rows_per_group=64,
            date_column="reviewed_at",
            key="dt",
        )
    )
    foreign = {path.relative_to(root).as_posix() for path in root.rglob("*.parquet")} - files.keys()
    if foreign:
        raise UsageError(
            f"{root}: found {min(foreign)}, which is not of the demo archive; name another folder"
        )
    for path, content in files.items():
        if not (root / path).exists() or (root / path).read_bytes() != content:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)


def demo_reviews(*, seed: int, rows: int) -> pa.Table:
    """The reviews [rows] of the demo archive, in the order in which they were written."""
    chance, pasting = Chance(seed), Chance(seed + 1)
    reviews: list[dict[str, Any]] = []
    for row in range(rows):
        day = row if row < NUM_DAYS else chance.weighted({day: _volume(day) for day in range(NUM_DAYS)})
        again = _written_again(reviews, day, chance) if chance.happens(0.025) else None
        reviews.append(again or _review(day, chance, pasting))
    reviews.sort(key=lambda review: review["reviewed_at"])
    return pa.Table.from_pylist(reviews, schema=DEMO_SCHEMA)


def _volume(day: int) -> float:
    """How many reviews are written on a day of the series, for an ordinary weekday's 1."""
    weekend = 1.3 if (FIRST_DAY + timedelta(days=day)).weekday() >= 5 else 1.0
    return weekend * sum(_sales(day).values()) / sum(_SALES.values())


def _sales(day: int) -> dict[str, float]:
    times = _UPDATE.get(day, (0.0, 1.0, 0.0))[1]
    return {
        product_id: share * (times if product_id == phrases.UPDATE_PRODUCT else 1)
        for product_id, share in _SALES.items()
    }


def _review(day: int, chance: Chance, pasting: Chance) -> dict[str, Any]:
    product_id = chance.weighted(_sales(day))
    product = next(product for product in PRODUCTS if product.product_id == product_id)
    composer = Composer(product, chance, pasting)
    broken, _, mended = (
        _UPDATE.get(day, (0.0, 1.0, 0.0)) if product_id == phrases.UPDATE_PRODUCT else (0.0, 1.0, 0.0)
    )
    turn = chance.share()
    if turn < broken:
        wording = composer.compose(chance.weighted(_ANGRY), news=phrases.BAD_UPDATE)
    elif turn < broken + mended:
        wording = composer.compose(chance.weighted(_RELIEVED), news=phrases.MENDED)
    else:
        tone = chance.weighted(_TONES[product_id])
        wording = composer.compose_chinese(tone) if chance.happens(0.03) else composer.compose(tone)
    return {
        "review_id": "R" + "".join(chance.pick(_ID_LETTERS) for _ in range(10)),
        **_product_columns(product),
        "user_id": None if chance.happens(0.02) else f"u{10_000 + chance.below(1400):05d}",
        "rating": None if chance.happens(0.01) else wording.stars,
        "title": wording.title,
        "body": wording.body,
        "helpful_votes": int(12 * chance.share() ** 6),
        "reviewed_at": FIRST_DAY + timedelta(days=day, seconds=_second_of_day(chance)),
    }


def _product_columns(product: Product) -> dict[str, str]:
    return {"product_id": product.product_id, "product_name": product.name}


def _second_of_day(chance: Chance) -> int:
    """Reviews are written in the evening more than at night."""
    hour = chance.weighted({hour: 1 if hour < 6 else 5 if hour < 17 else 9 for hour in range(24)})
    return hour * 3600 + chance.below(3600)


def _written_again(reviews: list[dict[str, Any]], day: int, chance: Chance) -> dict[str, Any] | None:
    """An earlier review of that day once more: by an export that repeated itself, or pasted under another product."""
    date = (FIRST_DAY + timedelta(days=day)).date()
    earlier = [review for review in reviews if review["reviewed_at"].date() == date]
    if not earlier:
        return None
    review = dict(chance.pick(earlier))
    if chance.happens(0.5):
        review["review_id"] = "R" + "".join(chance.pick(_ID_LETTERS) for _ in range(10))
        review |= _product_columns(chance.pick(PRODUCTS))
    return review
