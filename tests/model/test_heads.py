import numpy as np
import pytest
import torch

from reviewmine.labels import POLARITIES
from reviewmine.model.head_specs import (
    ClassCalibration,
    ClassificationSpec,
    HeadSpec,
    LabelCalibration,
    MultilabelSpec,
    NumberCalibration,
    OrdinalSpec,
    RegressionSpec,
    TokensSpec,
)
from reviewmine.model.heads import Objective, OrdinalHead, decode, make_head

POLARITY = ClassificationSpec(labels=POLARITIES)
MANY = MultilabelSpec(labels=("bug", "wish"))
LEVELS = OrdinalSpec(levels=(0.0, 0.25, 0.5, 1.0))
TERMS = TokensSpec(labels=("term",))
WIDTH = 4

# By kind: a spec, the shape of the states it reads for three reviews, and their labels.
KINDS = [
    pytest.param(POLARITY, (3, WIDTH), [0.0, 2.0, 1.0], id="classification"),
    pytest.param(MANY, (3, WIDTH), [[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]], id="multilabel"),
    pytest.param(RegressionSpec(), (3, WIDTH), [0.0, 1.0, 0.5], id="regression"),
    pytest.param(LEVELS, (3, WIDTH), [0.0, 1.0, 0.4], id="ordinal"),
    pytest.param(TERMS, (3, 2, WIDTH), [[0.0, 1.0], [2.0, 0.0], [1.0, 2.0]], id="tokens"),
]


@pytest.mark.parametrize(("spec", "shape", "labels"), KINDS)
def test_rows_without_a_label_add_nothing_to_the_loss_and_pull_on_nothing(
    spec: HeadSpec, shape: tuple[int, ...], labels: list[object]
) -> None:
    head, states, truth = make_head(spec, WIDTH), torch.randn(shape, requires_grad=True), torch.tensor(labels)
    labelled = torch.ones(truth.shape, dtype=torch.bool)
    labelled[1] = False
    loss = head.loss(head(states), truth, labelled)
    kept = head.loss(head(states[[0, 2]]), truth[[0, 2]], labelled[[0, 2]])
    loss.backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(loss, kept)
    assert states.grad is not None
    assert states.grad[1].abs().sum() == 0
    assert states.grad[0].abs().sum() > 0


@pytest.mark.parametrize(("spec", "shape", "labels"), KINDS)
def test_a_batch_without_any_label_has_a_loss_of_zero_that_can_still_be_differentiated(
    spec: HeadSpec, shape: tuple[int, ...], labels: list[object]
) -> None:
    head, truth = make_head(spec, WIDTH), torch.zeros_like(torch.tensor(labels))
    loss = head.loss(head(torch.randn(shape)), truth, torch.zeros(truth.shape, dtype=torch.bool))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss == 0


@pytest.mark.parametrize(("spec", "shape", "labels"), KINDS)
def test_the_loss_is_a_sum_over_rows_so_that_parts_of_a_batch_add_up(
    spec: HeadSpec, shape: tuple[int, ...], labels: list[object]
) -> None:
    head, states, truth = make_head(spec, WIDTH), torch.randn(shape), torch.tensor(labels)
    labelled = torch.ones(truth.shape, dtype=torch.bool)
    parts = [head.loss(head(states[s]), truth[s], labelled[s]) for s in (slice(0, 1), slice(1, 3))]
    torch.testing.assert_close(head.loss(head(states), truth, labelled), sum(parts))


@pytest.mark.parametrize(("spec", "shape", "labels"), KINDS)
def test_a_head_learns_what_its_states_say(
    spec: HeadSpec, shape: tuple[int, ...], labels: list[object]
) -> None:
    """Three reviews, each with a state of its own: whatever the kind, a head can tell them apart."""
    torch.manual_seed(0)
    head, truth = make_head(spec, WIDTH), torch.tensor(labels)
    states = torch.randn(shape)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.1)
    for _ in range(300):
        loss = head.loss(head(states), truth, torch.ones(truth.shape, dtype=torch.bool))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    answers = decode(head(states).detach(), spec)
    found = answers.argmax(dim=-1).float() if isinstance(spec, ClassificationSpec | TokensSpec) else answers
    torch.testing.assert_close(found, truth, atol=0.12, rtol=0)


def test_probabilities_sum_to_one_and_the_shift_of_the_prior_moves_them() -> None:
    logits = torch.tensor([[1.0, 1.0, 1.0], [3.0, 0.0, -3.0]])
    shift = ClassCalibration(log_shift=(-1.0, 0.0, 1.0))
    plain = decode(logits, POLARITY)
    shifted = decode(logits, ClassificationSpec(labels=POLARITIES, calibration=shift))
    torch.testing.assert_close(plain.sum(dim=1), torch.ones(2))
    torch.testing.assert_close(plain[0], torch.full((3,), 1 / 3))
    assert shifted[0].argmax() == 2


def test_a_temperature_above_one_makes_probabilities_milder() -> None:
    logits = torch.tensor([[3.0, 0.0, -3.0]])
    mild = ClassificationSpec(labels=POLARITIES, calibration=ClassCalibration(temperature=2.0))
    assert decode(logits, mild).max() < decode(logits, POLARITY).max()


def test_each_of_many_labels_has_its_own_temperature() -> None:
    calibration = LabelCalibration(temperatures=(1.0, 4.0))
    spec = MultilabelSpec(labels=("bug", "wish"), calibration=calibration)
    found = decode(torch.tensor([[2.0, 2.0]]), spec)
    torch.testing.assert_close(found, torch.sigmoid(torch.tensor([[2.0, 0.5]])))


def test_class_weights_and_smoothing_change_what_a_mistake_costs() -> None:
    logits, labels, labelled = torch.zeros(1, 3), torch.tensor([2.0]), torch.tensor([True])
    weighted = make_head(POLARITY, WIDTH, Objective(class_weights=(1.0, 1.0, 3.0)))
    plain, smooth = make_head(POLARITY, WIDTH), make_head(POLARITY, WIDTH, Objective(label_smoothing=0.2))
    torch.testing.assert_close(
        weighted.loss(logits, labels, labelled), 3 * plain.loss(logits, labels, labelled)
    )
    sure = torch.tensor([[-9.0, -9.0, 9.0]])
    assert smooth.loss(sure, labels, labelled) > plain.loss(sure, labels, labelled) + 1


def test_regression_may_be_trained_on_the_square_of_what_it_is_off() -> None:
    head = make_head(RegressionSpec(), WIDTH, Objective(squared_error=True))
    loss = head.loss(torch.zeros(2), torch.tensor([1.0, 0.5]), torch.ones(2, dtype=torch.bool))
    torch.testing.assert_close(loss, torch.tensor(0.25))


def test_dropout_of_a_head_is_for_training_alone() -> None:
    head, states = make_head(RegressionSpec(), 64, Objective(dropout=0.5)), torch.randn(8, 64)
    assert not torch.equal(head.train()(states), head(states))
    assert torch.equal(head.eval()(states), head(states))


def test_thresholds_of_levels_stay_in_order_whatever_training_does_to_them() -> None:
    torch.manual_seed(0)
    head = make_head(LEVELS, WIDTH)
    assert isinstance(head, OrdinalHead)
    optimizer = torch.optim.SGD(head.parameters(), lr=5.0)
    for _ in range(30):
        labels = torch.tensor([1.0, 0.0, 0.25, 0.5])[torch.randperm(4)]
        loss = head.loss(head(torch.randn(4, WIDTH)), labels, torch.ones(4, dtype=torch.bool))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        assert torch.isfinite(loss)
        assert (head.thresholds().diff() > 0).all()


def test_the_decoded_level_rises_with_the_strength_and_stays_inside_the_levels() -> None:
    head = make_head(OrdinalSpec(levels=(0.2, 0.5, 0.9)), WIDTH)
    assert isinstance(head, OrdinalHead)
    strength = torch.linspace(-12, 12, 49).unsqueeze(1)
    found = decode((strength - head.thresholds()).detach(), OrdinalSpec(levels=(0.2, 0.5, 0.9)))
    assert (found.diff() > 0).all()
    assert found[0] == pytest.approx(0.2, abs=1e-3)
    assert found[-1] == pytest.approx(0.9, abs=1e-3)


def test_shares_of_levels_sum_to_one_and_a_label_between_two_counts_for_both() -> None:
    head = make_head(OrdinalSpec(levels=(0.0, 0.5, 1.0)), WIDTH)
    logits, yes = head(torch.randn(1, WIDTH)).detach(), torch.ones(1, dtype=torch.bool)
    losses = [float(head.loss(logits, torch.tensor([label]), yes)) for label in (0.0, 0.5, 1.0)]
    assert np.exp(-np.array(losses)).sum() == pytest.approx(1.0, abs=1e-5)
    between = float(head.loss(logits, torch.tensor([0.6]), yes))
    assert between == pytest.approx(0.8 * losses[1] + 0.2 * losses[2], abs=1e-5)


@pytest.mark.parametrize("spec", [OrdinalSpec(levels=(0.0, 1.0)), LEVELS])
def test_levels_are_equally_likely_before_anything_is_learnt(spec: OrdinalSpec) -> None:
    head = make_head(spec, WIDTH)
    logits, yes = head(torch.zeros(1, WIDTH)).detach(), torch.ones(1, dtype=torch.bool)
    for level in spec.levels:
        loss = float(head.loss(logits, torch.tensor([level]), yes))
        assert np.exp(-loss) == pytest.approx(1 / len(spec.levels), abs=1e-3)


def test_padding_and_tokens_without_a_class_add_nothing_to_the_loss_of_tokens() -> None:
    head, states = make_head(TERMS, WIDTH), torch.randn(2, 8, WIDTH)
    labels = torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 0.0]])
    labelled = torch.tensor([[True, True, False], [True, False, False]])
    loss = head.loss(head(states), labels, labelled)
    other = states.clone()
    other[:, 3:] = 9.0
    other[0, 2] = other[1, 1] = other[1, 2] = -9.0
    torch.testing.assert_close(head.loss(head(other), labels, labelled), loss)
    wider = torch.cat([labels, torch.zeros(2, 20)], dim=1)
    nowhere = torch.cat([labelled, torch.zeros(2, 20, dtype=torch.bool)], dim=1)
    torch.testing.assert_close(head.loss(head(states), wider, nowhere), loss)


def test_the_table_is_followed_between_its_points_and_flat_outside_them() -> None:
    table = NumberCalibration(raw=(0.2, 0.5, 0.8), calibrated=(0.1, 0.4, 1.0))
    raw = torch.tensor([0.0, 0.2, 0.35, 0.5, 0.65, 0.8, 1.0]).clamp(1e-6, 1 - 1e-6)
    calibrated = decode(torch.logit(raw), RegressionSpec(calibration=table))
    torch.testing.assert_close(
        calibrated, torch.tensor([0.1, 0.1, 0.25, 0.4, 0.7, 1.0, 1.0]), atol=1e-5, rtol=0
    )


def test_without_calibration_a_number_is_the_sigmoid_of_its_logit() -> None:
    logits = torch.tensor([-2.0, 0.0, 2.0])
    torch.testing.assert_close(decode(logits, RegressionSpec()), torch.sigmoid(logits))
