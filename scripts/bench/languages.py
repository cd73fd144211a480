"""Prints, for sets of reviews whose language is known, which languages their reviews are identified as."""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from reviewmine.text.language import identify

SETS = (
    ("amazon_consumer", "en", 3000),
    ("amazon_musical_instruments", "en", 3000),
    ("cls10_train", "en", 3000),
    ("flipkart", "en", 3000),
    ("googleplay_intent", "en", 3000),
    ("cls10_train", "de", 1000),
    ("cls10_train", "fr", 1000),
    ("cls10_train", "ja", 1000),
    ("zh_online_shopping", "zh", 3000),
    ("zh_asap_sample", "zh", 300),
)
"""Set, the language of the rows that are drawn from it, and how many of them at most."""


def sample(path: Path, language: str, num_rows: int, *, min_words: int, seed: int) -> list[str]:
    """At most `num_rows` bodies in `language` of at least `min_words` words; Chinese and Japanese have no words."""
    table = pq.read_table(path, columns=["body", "language"], partitioning=None)
    bodies = table.filter(pc.equal(table["language"], language))["body"].to_pylist()
    spaced = language not in ("zh", "ja")
    bodies = [body for body in bodies if body and (not spaced or len(body.split()) >= min_words)]
    return [bodies[row] for row in np.random.default_rng(seed).permutation(len(bodies))[:num_rows]]


def main() -> None:
    """One line per set: how many reviews, the share identified right, as `en`, as `zh` and as another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folder", type=Path, help="the folder of the sets, each a folder with one Parquet file"
    )
    parser.add_argument("--min-words", type=int, default=5)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--show", type=int, default=0, help="wrongly identified reviews to print for each set"
    )
    options = parser.parse_args()
    print(f"{'set':28} {'is':3} {'reviews':>7} {'right':>7} {'en':>7} {'zh':>7} {'other':>7}  others")
    for name, language, num_rows in SETS:
        path = options.folder / name / f"{name}.parquet"
        bodies = sample(path, language, num_rows, min_words=options.min_words, seed=options.seed)
        found = [identify(body) for body in bodies]
        counts = Counter(found)
        en, zh, right = (counts[code] / len(bodies) for code in ("en", "zh", language))
        others = {code: count for code, count in counts.most_common(9) if code not in ("en", "zh")}
        print(
            f"{name:28} {language:3} {len(bodies):7} {right:7.2%} {en:7.2%} {zh:7.2%} {1 - en - zh:7.2%}  {others}",
            flush=True,
        )
        wrong = [pair for pair in zip(found, bodies, strict=True) if pair[0] != language]
        for code, body in wrong[: options.show]:
            print(f"    {code}: {body[:160]!r}")


if __name__ == "__main__":
    main()
