"""Natural sets: the shares that classes have in an archive, and which rows those shares say anything about.

Shares that are natural in one language say nothing about another. A row whose language is not known may be in any.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reviewmine.contract.label_columns import HeadLabels
from reviewmine.examples.census import class_shares
from reviewmine.examples.sets import ExampleSet


def natural_shares(
    train: pa.Table, sets: Sequence[ExampleSet], heads: Mapping[str, HeadLabels]
) -> dict[str, tuple[float, ...]]:
    """By head of classes, the mean over the natural sets that label it of the shares in their training rows."""
    found: dict[str, tuple[float, ...]] = {}
    for name, takes in heads.items():
        labelling = _natural_sets(sets, name)
        if takes.kind == "one" and labelling:
            rows = (train.filter(pc.equal(train["set"], one)) for one in labelling)
            shares = np.mean([class_shares(some, name, takes) for some in rows], axis=0)
            found[name] = tuple(float(share) for share in shares)
    return found


def is_like_natural(examples: pa.Table, sets: Sequence[ExampleSet], head: str) -> pa.ChunkedArray:
    """Which rows are in the language of a natural set that labels `head`, or in one that is not known.

    All are, where there is no such set, or its own language is not known.
    """
    natural = pa.array(_natural_sets(sets, head), pa.string())
    languages = pc.unique(examples.filter(pc.is_in(examples["set"], natural))["language"].drop_null())
    known = pc.and_(pc.is_valid(examples["language"]), pa.scalar(len(languages) > 0))
    return pc.or_(pc.is_in(examples["language"], languages), pc.invert(known))


def parted(
    examples: pa.Table, sets: Sequence[ExampleSet], heads: Mapping[str, HeadLabels]
) -> tuple[pa.Table, pa.Table]:
    """The labels of `examples` that are like those of the natural sets, and the others; rows without any are dropped.

    It is labels that are parted, head by head: a row may stand on both sides, with those of some heads on either.
    """
    like = {head: is_like_natural(examples, sets, head) for head in heads}
    unlike = {head: pc.invert(rows) for head, rows in like.items()}
    return _only_labels(examples, like), _only_labels(examples, unlike)


def _natural_sets(sets: Sequence[ExampleSet], head: str) -> list[str]:
    return [one.name for one in sets if one.natural and one.labels_head(head)]


def _only_labels(examples: pa.Table, kept: Mapping[str, pa.ChunkedArray]) -> pa.Table:
    """The rows with a label that is `kept`, by head, and no labels but those."""
    some = pa.chunked_array([pa.repeat(pa.scalar(False), examples.num_rows)])
    for head, rows in kept.items():
        field, labels = examples.field(head), examples[head]
        keep = pc.and_(rows, pc.is_valid(labels))
        labels = pc.if_else(keep, labels, pa.scalar(None, labels.type))
        examples = examples.set_column(examples.schema.get_field_index(head), field, labels)
        some = pc.or_(some, keep)
    return examples.filter(some)
