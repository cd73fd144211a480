"""Prints how the summaries of a sample of reviews keep their contract, and how much shorter than reviews they are."""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from reviewmine.annotate.annotator import Annotator
from reviewmine.annotate.prepare import Preparer
from reviewmine.contract.reviews import ReviewColumns, conform
from reviewmine.labels import ANNOTATED_STATUSES
from reviewmine.model.inspect import builtin_checkpoint
from reviewmine.text.clean import clean
from reviewmine.text.mask import mask
from reviewmine.text.sentences import join, split_sentences


def sample(path: Path, num_rows: int, *, min_words: int, seed: int) -> pa.Table:
    """At most `num_rows` conformed reviews of more than `min_words` words, drawn without replacement."""
    reviews = conform(pq.read_table(path, partitioning=None), ReviewColumns(), where=str(path))
    bodies = reviews["body"].to_pylist()
    long_ones = [row for row, body in enumerate(bodies) if body and len(body.split()) > min_words]
    drawn = np.random.default_rng(seed).permutation(len(long_ones))[:num_rows]
    return reviews.take(pa.array(sorted(long_ones[number] for number in drawn), pa.int64()))


def annotated(reviews: pa.Table, checkpoint: Path, *, num_threads: int) -> list[dict[str, Any]]:
    """The rows that the checkpoint annotates: what was read and what was made of it."""
    prepared = Preparer(checkpoint)(reviews)
    made = Annotator(checkpoint, device="cpu", num_threads=num_threads)(prepared)
    rows = zip(prepared.to_pylist(), made.to_pylist(), strict=True)
    return [read | answer for read, answer in rows if answer["status"] in ANNOTATED_STATUSES]


def says_what_its_spans_say(row: dict[str, Any]) -> bool:
    """The equation of the contract, spelt out once more here so that a mistake in the package shows."""
    parts = [clean(row["body"][span["start"] : span["end"]]) for span in row["summary_spans"]]
    return bool(parts) and row["summary"] == mask(join(parts))


def tell(rows: list[dict[str, Any]]) -> bool:
    """The figures, one a line; whether every row keeps the contract."""
    kept = sum(map(says_what_its_spans_say, rows))
    outgrown = sum(len(row["summary"]) > len(row["body"]) for row in rows)
    compression = [len(row["summary"]) / len(row["body"]) for row in rows]
    low, middle, high = np.quantile(compression, [0.1, 0.5, 0.9])
    num_sentences = Counter(len(row["summary_spans"]) for row in rows)
    print(f"rows                     {len(rows)}")
    print(f"what their spans say     {kept} ({kept / len(rows):.1%})")
    print(f"longer than the review   {outgrown}")
    print(f"longest                  {max(len(row['summary']) for row in rows)} characters")
    print(f"methods                  {dict(Counter(row['summary_method'] for row in rows))}")
    print(f"summary / review         median {middle:.3f}, p10 {low:.3f}, p90 {high:.3f} of the characters")
    print(f"two sentences            {num_sentences[2] / len(rows):.1%}")
    print(f"polarities               {dict(Counter(row['polarity'] for row in rows))}")
    return kept == len(rows) and not outgrown


def show(row: dict[str, Any]) -> None:
    """One review for a person to read: its summary, and the first sentence that a lead-1 summary would be."""
    first = next(iter(split_sentences(row["body"])))
    print(f"\n=== row {row['source_row']}, {row['rating']} stars, {row['polarity']}: {row['title']}")
    print(row["body"])
    print(f"--- lead-1   {clean(row['body'][first.start : first.end])}")
    print(f"--- summary  {row['summary']}")


def main() -> None:
    """Draw, annotate, tell, show; exit 1 where a summary breaks its contract."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path, help="a Parquet file of reviews")
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--min-words", type=int, default=60, help="only reviews of more words")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--checkpoint", type=Path, default=None, help="the built-in one by default")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--show", type=int, default=0, help="reviews to print beside their summaries")
    options = parser.parse_args()
    reviews = sample(options.archive, options.rows, min_words=options.min_words, seed=options.seed)
    rows = annotated(reviews, options.checkpoint or builtin_checkpoint(), num_threads=options.threads)
    if not rows:
        sys.exit(f"{options.archive}: no review of more than {options.min_words} words could be annotated")
    is_kept = tell(rows)
    for number in np.random.default_rng(options.seed).permutation(len(rows))[: options.show]:
        show(rows[number])
    sys.exit(0 if is_kept else 1)


if __name__ == "__main__":
    main()
