import pytest
import torch

from reviewmine.model.heads import IntensityHead, PolarityHead
from reviewmine.model.spec import IntensityCalibration, PolarityCalibration


def test_rows_without_a_label_add_nothing_to_the_loss_and_pull_on_nothing() -> None:
    for head, labels in ((PolarityHead(4), [0.0, 2.0, 1.0]), (IntensityHead(4), [0.0, 1.0, 0.5])):
        pooled = torch.randn(3, 4, requires_grad=True)
        labelled = torch.tensor([True, False, True])
        loss = head.loss(head(pooled), torch.tensor(labels), labelled)
        kept = head.loss(head(pooled[[0, 2]]), torch.tensor(labels)[[0, 2]], labelled[[0, 2]])
        loss.backward()  # type: ignore[no-untyped-call]
        assert torch.isclose(loss, kept)
        assert pooled.grad is not None
        assert pooled.grad[1].abs().sum() == 0


def test_a_batch_without_any_label_has_a_loss_of_zero_that_can_still_be_differentiated() -> None:
    head = IntensityHead(4)
    loss = head.loss(head(torch.randn(2, 4)), torch.zeros(2), torch.zeros(2, dtype=torch.bool))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss == 0


def test_the_loss_is_a_sum_over_rows_so_that_parts_of_a_batch_add_up() -> None:
    head, pooled, labels = (
        PolarityHead(4, label_smoothing=0.05),
        torch.randn(6, 4),
        torch.tensor([0.0, 1, 2, 2, 1, 0]),
    )
    labelled = torch.ones(6, dtype=torch.bool)
    parts = [head.loss(head(pooled[s]), labels[s], labelled[s]) for s in (slice(0, 2), slice(2, 6))]
    torch.testing.assert_close(head.loss(head(pooled), labels, labelled), sum(parts))


def test_probabilities_sum_to_one_and_the_shift_of_the_prior_moves_them() -> None:
    logits = torch.tensor([[1.0, 1.0, 1.0], [3.0, 0.0, -3.0]])
    plain = PolarityHead.decode(logits, PolarityCalibration())
    shifted = PolarityHead.decode(logits, PolarityCalibration(log_shift=(-1.0, 0.0, 1.0)))
    torch.testing.assert_close(plain.sum(dim=1), torch.ones(2))
    torch.testing.assert_close(plain[0], torch.full((3,), 1 / 3))
    assert shifted[0].argmax() == 2


def test_a_temperature_above_one_makes_probabilities_milder() -> None:
    logits = torch.tensor([[3.0, 0.0, -3.0]])
    assert (
        PolarityHead.decode(logits, PolarityCalibration(temperature=2.0)).max()
        < PolarityHead.decode(logits, PolarityCalibration()).max()
    )


def test_intensity_follows_its_table_between_the_points_and_is_flat_outside() -> None:
    table = IntensityCalibration(raw=(0.2, 0.5, 0.8), calibrated=(0.1, 0.4, 1.0))
    raw = torch.tensor([0.01, 0.2, 0.35, 0.5, 0.65, 0.99])
    calibrated = IntensityHead.decode(torch.logit(raw), table)
    torch.testing.assert_close(calibrated, torch.tensor([0.1, 0.1, 0.25, 0.4, 0.7, 1.0]))


def test_without_calibration_intensity_is_the_sigmoid_of_its_logit() -> None:
    logits = torch.linspace(-6, 6, 13)
    torch.testing.assert_close(IntensityHead.decode(logits, IntensityCalibration()), torch.sigmoid(logits))


@pytest.mark.parametrize(
    ("raw", "calibrated"),
    [((0.0,), (0.0,)), ((0.0, 0.0), (0.0, 1.0)), ((0.0, 1.0), (1.0, 0.0)), ((0.0, 1.0), (0.0,))],
)
def test_a_table_that_is_not_monotone_is_refused(
    raw: tuple[float, ...], calibrated: tuple[float, ...]
) -> None:
    with pytest.raises(ValueError, match=r"raw|calibrated"):
        IntensityCalibration(raw=raw, calibrated=calibrated)
