from pathlib import Path

import pytest
import torch
from tiny import WIDTH, make_backbone

from reviewmine.errors import CheckpointError
from reviewmine.model.backbone import load_encoder
from reviewmine.model.head_specs import RegressionSpec, TokensSpec
from reviewmine.model.network import OpinionNetwork, disable_dropout, mean_of_tokens


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> OpinionNetwork:
    torch.manual_seed(0)
    backbone = load_encoder(make_backbone(tmp_path_factory.mktemp("backbone")))
    return OpinionNetwork(backbone, width=WIDTH, pooling="mean").eval()


def test_one_pass_gives_states_a_pooled_state_and_the_logits_of_every_head(network: OpinionNetwork) -> None:
    output = network(torch.randint(5, 30, (3, 7)), torch.ones(3, 7, dtype=torch.long))
    assert output.token_states.shape == (3, 7, WIDTH)
    assert output.pooled.shape == (3, WIDTH)
    assert {name: tuple(logits.shape) for name, logits in output.logits.items()} == {
        "polarity": (3, 3),
        "intensity": (3,),
    }


def test_padding_does_not_change_what_a_review_is_read_as(network: OpinionNetwork) -> None:
    ids = torch.randint(5, 30, (1, 6))
    padded = torch.cat([ids, torch.zeros(1, 10, dtype=torch.long)], dim=1)
    mask = torch.tensor([[1] * 6 + [0] * 10])
    alone = network(ids, torch.ones_like(ids)).logits
    beside = network(padded, mask).logits
    for name in alone:
        torch.testing.assert_close(alone[name], beside[name], atol=1e-5, rtol=1e-4)


def test_shapes_that_do_not_match_are_refused(network: OpinionNetwork) -> None:
    with pytest.raises(ValueError, match="expected the same shape"):
        network(torch.ones(2, 5, dtype=torch.long), torch.ones(2, 6, dtype=torch.long))


def test_the_mean_leaves_out_padding_and_survives_a_row_of_nothing_else() -> None:
    states = torch.tensor([[[1.0], [3.0], [100.0]], [[7.0], [7.0], [7.0]]])
    mask = torch.tensor([[1, 1, 0], [0, 0, 0]])
    torch.testing.assert_close(mean_of_tokens(states, mask), torch.tensor([[2.0], [0.0]]))


def test_cls_pooling_takes_the_first_state(tmp_path: Path) -> None:
    network = OpinionNetwork(load_encoder(make_backbone(tmp_path)), width=WIDTH, pooling="cls").eval()
    output = network(torch.randint(5, 30, (2, 4)), torch.ones(2, 4, dtype=torch.long))
    torch.testing.assert_close(output.pooled, output.token_states[:, 0])


def test_with_dropout_disabled_training_mode_answers_as_evaluation_mode_does(tmp_path: Path) -> None:
    network = OpinionNetwork(load_encoder(make_backbone(tmp_path)), width=WIDTH, pooling="mean")
    disable_dropout(network)
    ids, mask = torch.randint(5, 30, (2, 4)), torch.ones(2, 4, dtype=torch.long)
    training = network.train()(ids, mask).logits["intensity"]
    torch.testing.assert_close(training, network.eval()(ids, mask).logits["intensity"])


def test_each_head_reads_what_its_spec_says(tmp_path: Path) -> None:
    heads = {
        "mean": RegressionSpec(),
        "first": RegressionSpec(pooling="cls"),
        "terms": TokensSpec(labels=("term",)),
    }
    encoder = load_encoder(make_backbone(tmp_path))
    network = OpinionNetwork(encoder, width=WIDTH, pooling="mean", heads=heads).eval()
    output = network(torch.randint(5, 30, (2, 4)), torch.ones(2, 4, dtype=torch.long))
    mean, first, terms = (network.heads[name] for name in heads)
    torch.testing.assert_close(output.logits["mean"], mean(output.pooled))
    torch.testing.assert_close(output.logits["first"], first(output.token_states[:, 0]))
    torch.testing.assert_close(output.logits["terms"], terms(output.token_states))
    assert output.logits["terms"].shape == (2, 4, 3)


def test_a_name_that_torch_keeps_to_itself_is_refused(tmp_path: Path) -> None:
    encoder = load_encoder(make_backbone(tmp_path))
    with pytest.raises(CheckpointError, match="give the head another name"):
        OpinionNetwork(encoder, width=WIDTH, pooling="mean", heads={"forward": RegressionSpec()})
