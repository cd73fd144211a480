"""Training and annotation read the same reviews as the same tokens: there is one road from text to token ids."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from tiny_checkpoint import MAX_TOKENS, make_checkpoint

from reviewmine.annotate.annotator import Annotator
from reviewmine.annotate.prepare import Preparer
from reviewmine.contract import examples, reviews
from reviewmine.examples.encoded import encode_examples
from reviewmine.model.checkpoint import load_checkpoint
from reviewmine.model.network import NetworkOutput
from reviewmine.train.collate import EpochBatches

ENDINGS = [
    "",
    "!",
    " :)",
    "...",
    " 😀",
    "\n\nBought twice.",
    "<br/>It is nice.",
    " &amp; works",
    " NOT good",
    "!!!!!!",
]
OPENINGS = [
    "The battery is great",
    "Don't buy this, it's awful",
    "Caf\u00e9 chair \u2014 \u201csuperb\u201d",
    "see https://example.com/lamp?id=1 for the lamp",
    "A long one. " + "The cable was very plain and the zip is poor. " * 12,
]
BODIES = [opening + ending for opening in OPENINGS for ending in ENDINGS]
TITLES = [None, "Solid strap", "Great!", "", "It is okay :)"] * 10

Tokens = tuple[int, ...]


class Ear(torch.nn.Module):
    """A network that remembers the token ids it is given, without what is masked."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network
        self.heard: list[Tokens] = []

    def forward(self, token_ids: torch.Tensor, attention_mask: torch.Tensor) -> NetworkOutput:
        self.heard += unpadded(token_ids, attention_mask)
        output: NetworkOutput = self.network(token_ids, attention_mask)
        return output


def unpadded(token_ids: torch.Tensor, attention_mask: torch.Tensor) -> list[Tokens]:
    rows = zip(token_ids, attention_mask.bool(), strict=True)
    return [tuple(ids[is_read].tolist()) for ids, is_read in rows]


class Roads:
    """Both roads of one checkpoint, from a table of reviews to what the network is given."""

    def __init__(self, checkpoint: Path) -> None:
        self._loaded = load_checkpoint(checkpoint)
        self._prepare = Preparer(checkpoint)
        self._annotator = Annotator(checkpoint, device="cpu", tokens_per_batch=512)
        self._ear = Ear(self._annotator.network)
        self._annotator.network = self._ear

    def trained(self, table: pa.Table) -> list[Tokens]:
        """The token ids of one epoch of training on `table`, no title dropped."""
        columns = examples.ExampleColumns(title="title", rating="rating")
        conformed = examples.conform(table, columns, where="training")
        encoded = encode_examples(conformed, self._loaded.encoder, pad_id=self._loaded.pad_id)
        epoch = EpochBatches(encoded, budget_tokens=512, title_drop=0.0, seed=0, epoch=0)
        batches = [batch for passes in epoch for batch in passes]
        return [ids for batch in batches for ids in unpadded(batch.token_ids, batch.attention_mask)]

    def annotated(self, table: pa.Table) -> list[Tokens]:
        """The token ids that the network is given when `table` is annotated."""
        self._ear.heard = []
        conformed = reviews.conform(table, reviews.ReviewColumns(), where="archive")
        self._annotator(self._prepare(conformed))
        return self._ear.heard


@pytest.fixture(scope="module")
def roads(tmp_path_factory: pytest.TempPathFactory) -> Roads:
    torch.set_num_threads(1)
    return Roads(make_checkpoint(tmp_path_factory.mktemp("skew")))


def reviews_table() -> pa.Table:
    return pa.table(
        {
            "review_id": [f"r{row}" for row in range(50)],
            "title": TITLES,
            "body": BODIES,
            "rating": pa.array(np.arange(50) % 5 + 1, pa.int8()),
            "language": ["en"] * 50,
        }
    )


def test_training_and_annotation_give_the_network_identical_token_ids(roads: Roads) -> None:
    trained, annotated = roads.trained(reviews_table()), roads.annotated(reviews_table())
    assert len(trained) == 50
    assert set(trained) == set(annotated)
    assert len(annotated) == len(set(annotated)), "texts that clean alike are read once"
    assert max(map(len, annotated)) == MAX_TOKENS


def test_review_by_review_both_roads_agree(roads: Roads) -> None:
    for row in range(50):
        review = reviews_table().slice(row, 1)
        assert roads.trained(review) == roads.annotated(review)
