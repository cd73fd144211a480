from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny import WIDTH, make_backbone
from workers import make_examples, make_network

from reviewmine.errors import TrainingError
from reviewmine.model.backbone import load_backbone
from reviewmine.model.head_specs import MultilabelSpec, OrdinalSpec, TokensSpec
from reviewmine.model.network import OpinionNetwork
from reviewmine.train.collate import Batch, EpochBatches
from reviewmine.train.robust import check_dropout, disagreement, pushing
from reviewmine.train.step import head_losses


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_backbone(tmp_path_factory.mktemp("backbone"))


@pytest.fixture(scope="module")
def batch(backbone: Path) -> Batch:
    (found,) = EpochBatches(make_examples(backbone), budget_tokens=512, title_drop=0.0, seed=1, epoch=0)[0]
    return found


def losses(network: OpinionNetwork, batch: Batch) -> torch.Tensor:
    found = head_losses(network, network(batch.token_ids, batch.attention_mask).logits, batch)
    return found["polarity"] + found["intensity"]


def test_the_push_makes_a_batch_harder_than_any_random_step_of_its_length(backbone, batch):
    network = make_network(backbone, adapted=True)
    length = 0.5
    with pushing(network, length) as push:
        before = losses(network, batch)
        before.backward()
        push.turn()
        hardest = losses(network, batch).item()
    assert losses(network, batch).item() == pytest.approx(before.item())
    assert hardest > before.item()
    embedding = network.backbone.get_input_embeddings()
    for seed in range(5):
        step = torch.randn(embedding(batch.token_ids).shape, generator=torch.Generator().manual_seed(seed))
        step = length * step / step.flatten(1).norm(dim=1)[:, None, None]
        with embedding.register_forward_hook(lambda module, given, out, step=step: out + step):
            assert losses(network, batch).item() < hardest


def test_two_passes_that_agree_disagree_by_nothing_and_others_by_their_divergence(backbone, batch):
    network = make_network(backbone, adapted=False)
    rows = len(batch.rows)
    same = {"polarity": torch.randn(rows, 3).repeat(2, 1), "intensity": torch.randn(rows).repeat(2)}
    assert float(disagreement(network, same, batch.twice())) == pytest.approx(0.0, abs=1e-6)
    logits = {"polarity": torch.randn(2 * rows, 3), "intensity": torch.zeros(2 * rows)}
    one, other = logits["polarity"].softmax(-1).chunk(2)
    each = ((one * (one / other).log()).sum(-1) + (other * (other / one).log()).sum(-1)) / 2
    expected = each[batch.labelled["polarity"]].mean()
    assert float(disagreement(network, logits, batch.twice())) == pytest.approx(float(expected), rel=1e-4)


HEADS = {
    "topics": (MultilabelSpec(kind="multilabel", labels=("price", "size")), (2,), (2,)),
    "force": (OrdinalSpec(kind="ordinal", levels=(0.0, 0.5, 1.0)), (), (2,)),
    "terms": (TokensSpec(kind="tokens", labels=("term",)), (5,), (7, 3)),
}


@pytest.mark.parametrize("name", HEADS)
def test_heads_of_every_kind_disagree_where_their_passes_do(backbone, batch, name):
    spec, label_shape, logit_shape = HEADS[name]
    network = OpinionNetwork(
        load_backbone(str(backbone)).model, width=WIDTH, pooling="mean", heads={name: spec}
    )
    rows = len(batch.rows)
    labelled = {name: torch.ones(rows, *label_shape, dtype=torch.bool)}
    num_labels = {name: int(labelled[name].sum())}
    alike = replace(
        batch, labels={name: labelled[name].float()}, labelled=labelled, num_labels=num_labels
    ).twice()
    strength = torch.randn(2 * rows, *logit_shape)
    if name == "force":  # logits of levels fall from one threshold to the next
        strength = strength.sort(dim=1, descending=True).values
    assert float(disagreement(network, {name: strength}, alike)) > 0.01
    same = strength[:rows].repeat(2, *([1] * len(logit_shape)))
    assert float(disagreement(network, {name: same}, alike)) == pytest.approx(0.0, abs=1e-6)


def test_a_network_with_dropout_is_fit_for_two_passes_and_one_without_is_not(backbone):
    check_dropout(make_network(backbone, adapted=False, dropout=True))
    with pytest.raises(TrainingError, match="dropout = true"):
        check_dropout(make_network(backbone, adapted=False))
