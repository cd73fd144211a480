"""Workers of torch's own, gloo on the CPU: one, two, DDP and FSDP2 take the same steps."""

from pathlib import Path

import pytest
import torch
from tiny import make_backbone
from workers import Case, make_network, run_case, run_cases

from reviewmine.errors import TrainingError
from reviewmine.train.parallel import placed
from reviewmine.train.settings import LoopSettings

SETTINGS = LoopSettings(
    epochs=7,
    budget_tokens=512,
    learning_rate=3e-3,
    report_steps=1,
    checkpoint_steps=25,
    micro_tokens=192,
    precision="float32",  # half precision rounds the shares of several workers otherwise than the whole
)
COMPARED = ("polarity_loss", "intensity_loss", "gradient_norm", "mean_logit")


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_backbone(tmp_path_factory.mktemp("backbone"))


def case(name: str, *, adapted: bool = False, **values: object) -> Case:
    return Case(name=name, adapted=adapted, settings=SETTINGS.model_copy(update=values))


def assert_same_steps(one: list[dict[str, float]], other: list[dict[str, float]]) -> None:
    assert [heard["step"] for heard in one] == [heard["step"] for heard in other]
    for left, right in zip(one, other, strict=True):
        for name in COMPARED:
            assert right.get(name) == pytest.approx(left.get(name), abs=1e-3), left["step"]


@pytest.mark.slow
def test_one_worker_and_two_with_ddp_and_fsdp_take_the_same_fifty_steps(backbone, tmp_path):
    """Losses, norms of gradients and what validation finds are equal within 1e-3, steps cut in passes or not."""
    extras = {"adversarial": 0.5, "average": "ema", "ema_decay": 0.9, "gradient_checkpointing": True}
    kinds = {"full": {"adapted": False}, "adapter": {"adapted": True}, "extras": extras}
    shared = [case(f"{kind}-{how}", parallel=how, **kinds[kind]) for kind in kinds for how in ("ddp", "fsdp")]
    heard = run_cases(shared, backbone, tmp_path / "two", world_size=2)
    for kind, values in kinds.items():
        alone = run_case(case(kind, **{**values, "micro_tokens": None}), backbone, tmp_path).heard
        assert len(alone) >= 50
        for how in ("ddp", "fsdp"):
            assert_same_steps(alone, heard[f"{kind}-{how}"])


@pytest.mark.slow
def test_what_two_workers_kept_cut_up_one_takes_up_and_the_other_way_round(backbone, tmp_path):
    """A run that shrinks to one worker, or grows to two, takes the steps that it would have taken."""
    run = case("whole", parallel="fsdp", average="tail", best_metric="mean_logit")
    whole = run_cases([run], backbone, tmp_path / "two", world_size=2)["whole"]
    cut = next(step for step in (25, 50) if (tmp_path / "two" / "whole" / "kept" / str(step)).is_dir())
    resumed = Case(
        name="one", settings=run.settings, resume_from=tmp_path / "two" / "whole" / "kept" / str(cut)
    )
    alone = run_case(resumed, backbone, tmp_path / "one")
    assert_same_steps(whole[cut:], alone.heard)
    later = next(iter(alone.checkpoints))
    again = Case(name="again", settings=run.settings, resume_from=alone.checkpoints[later])
    grown = run_cases([again], backbone, tmp_path / "grown", world_size=2)["again"]
    assert_same_steps(whole[later:], grown)


def test_a_backbone_that_cannot_recompute_its_layers_says_what_to_do_instead(backbone):
    network = make_network(backbone, adapted=False)
    network.backbone = torch.nn.Linear(2, 2)
    with pytest.raises(TrainingError, match=r"gradient_checkpointing.*micro_tokens"):
        placed(network, LoopSettings(gradient_checkpointing=True), device=torch.device("cpu"))
