"""Prints how a checkpoint tells good from bad Chinese reviews beside TF-IDF with logistic regression, on one split."""

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.stats import binomtest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from reviewmine.checkpoints import BUILTIN, local_checkpoint
from reviewmine.evaluation.judge import predict
from reviewmine.evaluation.resampling import macro_f1, middle, resampled_sums
from reviewmine.examples.encoded import encode_examples
from reviewmine.examples.labelled import in_validation
from reviewmine.examples.sets import normalised
from reviewmine.model.checkpoint import Checkpoint, load_checkpoint

Floats = npt.NDArray[np.float64]


def is_liked(checkpoint: Checkpoint, bodies: list[str]) -> npt.NDArray[np.bool_]:
    """Whether the checkpoint holds positive for likelier than negative, of each body."""
    unlabelled = pa.nulls(len(bodies), pa.string())
    examples = pa.table({"title": unlabelled, "body": pa.array(bodies), "polarity": unlabelled})
    heads = {"polarity": checkpoint.spec.heads["polarity"]}
    encoded = encode_examples(examples, checkpoint.encoder, pad_id=checkpoint.pad_id, heads=heads)
    assert len(encoded) == len(bodies)  # bodies without a word are left out before
    shares = checkpoint.decode(predict(checkpoint.network, encoded))["polarity"]
    return shares[:, 2] > shares[:, 0]


def told_two_classes(path: Path, column: str) -> tuple[list[str], npt.NDArray[np.bool_]]:
    """The distinct texts of a set with a clear opinion, and whether it is a good one."""
    rows = {normalised(row["body"] or ""): row for row in pq.read_table(path).to_pylist()}
    good = {"pos": True, "neg": False, 1: False, 2: False, 4: True, 5: True}
    told = [(row["body"], good[row[column]]) for text, row in rows.items() if text and row[column] in good]
    return [body for body, _ in told], np.array([liked for _, liked in told])


def interval_of_macro_f1(truth: npt.NDArray[np.bool_], found: npt.NDArray[np.bool_]) -> tuple[float, Floats]:
    """Macro-F1 of two classes, and of resampled rows."""
    truths, founds = (np.stack([~some, some], axis=1) for some in (truth, found))
    columns = np.concatenate([truths & founds, truths, founds], axis=1).astype(np.float32)
    own, drawn = columns.sum(axis=0)[None], resampled_sums(columns)
    figure = [macro_f1(some[:, :2], some[:, 2:4], some[:, 4:]) for some in (own, drawn)]
    return float(figure[0][0]), figure[1]


def compare(checkpoint: Checkpoint, path: Path) -> None:
    """On the texts that the checkpoint's run held out: both accuracies, the paired difference, McNemar's exact test."""
    bodies, truth = told_two_classes(path, "polarity")
    held_out = in_validation(bodies, checkpoint.spec.training.run["examples"]["validation_share"])
    train = [body for body, held in zip(bodies, held_out, strict=True) if not held]
    test = [body for body, held in zip(bodies, held_out, strict=True) if held]
    right = {"checkpoint": is_liked(checkpoint, test) == truth[held_out]}
    for name, low, high in (("characters and pairs", 1, 2), ("up to four characters", 1, 4)):
        vectors = TfidfVectorizer(analyzer="char", ngram_range=(low, high), min_df=2, sublinear_tf=True)
        linear = LogisticRegression(C=4.0, max_iter=1000).fit(vectors.fit_transform(train), truth[~held_out])
        right[f"TF-IDF of {name}"] = linear.predict(vectors.transform(test)) == truth[held_out]
    print(f"{path.stem}: {len(train):,} texts to learn from, {len(test):,} held out")
    for name, some in right.items():
        print(f"  accuracy of {name}: {some.mean():.4f}")
    ours = right.pop("checkpoint")
    for name, theirs in right.items():
        difference = ours.astype(np.float32) - theirs
        low, high = middle(resampled_sums(difference[:, None])[:, 0] / len(test))
        only_ours, only_theirs = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
        test_of_signs = binomtest(only_ours, only_ours + only_theirs)
        print(
            f"  ahead of {name} by {difference.mean():+.4f} ({low:+.4f} to {high:+.4f}); "
            f"{only_ours} only we tell right, {only_theirs} only they, McNemar p {test_of_signs.pvalue:.3g}"
        )


def main() -> None:
    """The comparison, and two-class figures of sets with stars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", default=BUILTIN)
    parser.add_argument("--examples", type=Path, required=True, help="zh_online_shopping.parquet")
    parser.add_argument("--stars", type=Path, nargs="*", default=[], help="sets with stars it never saw")
    given = parser.parse_args()
    checkpoint = load_checkpoint(local_checkpoint(given.checkpoint))
    compare(checkpoint, given.examples)
    for path in given.stars:
        bodies, truth = told_two_classes(path, "rating")
        found = is_liked(checkpoint, bodies)
        figure, drawn = interval_of_macro_f1(truth, found)
        low, high = middle(drawn)
        print(
            f"{path.stem}: {len(bodies):,} texts of 1-2 and 4-5 stars, macro-F1 {figure:.3f} ({low:.3f} to "
            f"{high:.3f}), accuracy {(found == truth).mean():.4f}"
        )


if __name__ == "__main__":
    main()
