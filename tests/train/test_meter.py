import pytest
from torch import nn

from reviewmine.train.meter import flop_per_token


def make_stack(*, trained: tuple[bool, ...]) -> nn.Module:
    """An embedding and as many 10 x 10 matrices as `trained` says whether they are, frozen biases beside them."""
    layers = [nn.Linear(10, 10, bias=False).requires_grad_(is_trained) for is_trained in trained]
    return nn.Sequential(
        nn.Embedding(50, 10).requires_grad_(False), *layers, nn.LayerNorm(10).requires_grad_(False)
    )


@pytest.mark.parametrize(
    ("trained", "per_weight"),
    [
        ((False, False, False), (2, 2, 2)),
        ((False, False, True), (2, 2, 4)),
        ((True, False, True), (4, 4, 6)),
        ((True, True, True), (4, 6, 6)),
    ],
)
def test_a_weight_costs_two_forward_two_back_through_it_and_two_if_it_is_trained(trained, per_weight):
    assert flop_per_token(make_stack(trained=trained)) == 100 * sum(per_weight)


def test_all_weights_above_trained_embeddings_cost_six():
    network = make_stack(trained=(True, True)).requires_grad_(True)
    assert flop_per_token(network) == 6 * 200
