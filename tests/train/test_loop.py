from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import make_backbone
from workers import Listener, make_examples, make_network

from reviewmine.errors import Diverged, TrainingError
from reviewmine.examples.encoded import EncodedExamples
from reviewmine.model.network import OpinionNetwork
from reviewmine.train.loop import fit
from reviewmine.train.parallel import placed, trained
from reviewmine.train.resume import load_trained
from reviewmine.train.settings import LoopSettings

SETTINGS = LoopSettings(
    epochs=2,
    budget_tokens=384,
    learning_rate=5e-3,
    head_learning_rate=5e-3,
    report_steps=5,
    checkpoint_steps=5,
)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_backbone(tmp_path_factory.mktemp("backbone"))


@pytest.fixture(scope="module")
def examples(backbone: Path) -> EncodedExamples:
    return make_examples(backbone)


@pytest.fixture
def network(backbone: Path) -> OpinionNetwork:
    return make_network(backbone, adapted=True)


def run(
    network: OpinionNetwork,
    examples: EncodedExamples,
    scratch: Path,
    *,
    listener: Listener | None = None,
    validated: list[float] | None = None,
    resume_from: Path | None = None,
    **values: Any,
) -> Listener:
    """Fit with `values` in place of SETTINGS'; validation finds the `validated` figures one after the other."""
    listener = listener or Listener(scratch / "kept")
    figures = iter(validated or [])
    settings = SETTINGS.model_copy(update=values)

    def validate() -> Mapping[str, float]:
        return {"macro_f1": next(figures)} if validated else {}

    fit(
        network,
        examples,
        settings,
        listener,
        seed=5,
        title_drop=0.3,
        scratch=scratch / "scratch",
        forward=placed(network, settings, device=torch.device("cpu")),
        validate=validate,
        resume_from=resume_from,
    )
    return listener


def weights(network: OpinionNetwork) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in trained(network)}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(
        torch.equal(other[name], tensor) for name, tensor in one.items()
    )


def test_it_learns_what_the_words_say(network, examples, tmp_path):
    heard = run(network, examples, tmp_path, epochs=9).heard
    assert heard[-1]["polarity_loss"] < 0.6 * heard[0]["polarity_loss"]


@pytest.mark.parametrize(
    "values",
    [
        {"optimizer": "sgd", "learning_rate": 0.1, "head_learning_rate": 0.1},
        {"schedule": "cosine", "micro_tokens": 128, "gradient_checkpointing": True},
        {"adversarial": 0.1},
        {"average": "ema", "ema_decay": 0.8},
    ],
    ids=lambda values: "-".join(map(str, values)),
)
def test_it_learns_with_every_option(network, examples, tmp_path, values):
    heard = run(network, examples, tmp_path, epochs=9, **values).heard
    assert heard[-1]["polarity_loss"] < 0.85 * heard[0]["polarity_loss"]


def test_only_adapter_and_heads_change(network, examples, tmp_path):
    before = {name: p.detach().clone() for name, p in network.named_parameters() if not p.requires_grad}
    run(network, examples, tmp_path, epochs=1)
    after = dict(network.named_parameters())
    assert before
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_two_runs_of_one_seed_are_identical_with_dropout_on(backbone, examples, tmp_path):
    ends, lines = [], []
    for number in range(2):
        network = make_network(backbone, adapted=False, dropout=True)
        torch.rand(number)  # what was drawn before a run is nothing to it
        heard = run(network, examples, tmp_path / str(number), r_drop=0.5, adversarial=0.2).heard
        lines.append([line["polarity_loss"] for line in heard])
        ends.append(weights(network))
    assert same(*ends)
    assert lines[0] == lines[1]


@pytest.mark.parametrize("average", ["none", "ema", "tail"])
def test_a_resumed_run_ends_bit_for_bit_where_an_undisturbed_one_does_with_dropout_on(
    backbone, examples, tmp_path, average
):
    values = {"average": average, "best_metric": "macro_f1", "micro_tokens": 256}
    network = make_network(backbone, adapted=True, dropout=True)
    whole = run(network, examples, tmp_path / "whole", validated=[0.5, 0.4], **values)
    step, checkpoint = sorted(whole.checkpoints.items())[2]
    assert step < whole.heard[-1]["step"]
    other = make_network(backbone, adapted=True, dropout=True, seed=2)
    left = [0.5, 0.4] if step < whole.heard[-1]["step"] / 2 else [0.4]
    rest = run(other, examples, tmp_path / "rest", resume_from=checkpoint, validated=left, **values)
    assert [line["step"] for line in rest.heard] == [
        line["step"] for line in whole.heard if line["step"] > step
    ]
    assert same(weights(network), weights(other))
    finished = [listener.checkpoints[max(listener.checkpoints)] for listener in (whole, rest)]
    for trained_network, directory in zip((network, other), finished, strict=True):
        load_trained(trained_network, directory)
    assert same(weights(network), weights(other))


def test_steps_in_several_passes_are_the_steps_in_one(backbone, examples, tmp_path):
    ends = []
    for micro_tokens in (None, 64):
        network = make_network(backbone, adapted=True)
        run(
            network,
            examples,
            tmp_path / str(micro_tokens),
            epochs=1,
            micro_tokens=micro_tokens,
            precision="float32",  # half precision rounds passes of other sizes otherwise
        )
        ends.append(weights(network))
    for name, tensor in ends[0].items():
        torch.testing.assert_close(ends[1][name], tensor, atol=2e-4, rtol=1e-3)


def test_layers_that_are_computed_again_give_the_same_steps(backbone, examples, tmp_path):
    ends = []
    for again in (False, True):
        network = make_network(backbone, adapted=False, dropout=True)
        run(network, examples, tmp_path / str(again), epochs=1, gradient_checkpointing=again)
        ends.append(weights(network))
    for name, tensor in ends[0].items():
        torch.testing.assert_close(ends[1][name], tensor)


def test_every_worker_reports_equally_often_and_worker_0_alone_brings_checkpoints(
    network, examples, tmp_path
):
    alone = run(network, examples, tmp_path / "0", checkpoint_steps=10)
    second = Listener(tmp_path / "kept", rank=1, world_size=2)
    run(network, examples, tmp_path / "1", listener=second, checkpoint_steps=10)
    assert len(second.heard) == len(alone.heard) > len(alone.checkpoints) == 2
    assert not second.checkpoints
    assert second.reported == alone.reported == list(alone.checkpoints)  # nobody waits for mere figures


def test_only_the_latest_directory_is_left_in_the_scratch_folder(network, examples, tmp_path):
    listener = run(network, examples, tmp_path)
    assert [path.name for path in (tmp_path / "scratch").iterdir()] == [
        f"step-{max(listener.checkpoints):06d}"
    ]


def test_the_best_weights_are_kept_through_worse_ones(network, examples, tmp_path):
    listener = run(network, examples, tmp_path, epochs=3, validated=[0.4, 0.6, 0.5], best_metric="macro_f1")
    best, last = (
        {step: listener.checkpoints[step] for step in sorted(listener.checkpoints)}[step]
        for step in sorted(line["step"] for line in listener.heard if "macro_f1" in line)[1:]
    )
    ended = weights(network)
    load_trained(network, last)
    kept = weights(network)
    load_trained(network, best)
    assert same(kept, weights(network))
    assert not same(kept, ended)


def test_a_run_stops_when_its_patience_is_over_and_a_rerun_of_it_takes_no_step(network, examples, tmp_path):
    values = {"epochs": 9, "best_metric": "macro_f1", "patience": 2}
    listener = run(network, examples, tmp_path, validated=[0.5, 0.4, 0.5, 0.9], **values)
    assert sum("macro_f1" in line for line in listener.heard) == 3
    last = listener.checkpoints[max(listener.checkpoints)]
    again = run(network, examples, tmp_path / "again", validated=[0.9], resume_from=last, **values)
    assert again.heard == []


def test_validation_may_come_more_often_than_epochs_end(network, examples, tmp_path):
    listener = run(network, examples, tmp_path, epochs=1, validate_steps=4, validated=[0.5] * 20)
    validated = [line["step"] for line in listener.heard if "macro_f1" in line]
    assert validated[:2] == [4, 8]
    assert validated[-1] == listener.heard[-1]["steps"]


def test_a_best_metric_that_validation_does_not_give_is_named_beside_those_it_gives(
    network, examples, tmp_path
):
    with pytest.raises(TrainingError, match=r"no 'macro_f2'; expected one of macro_f1"):
        run(network, examples, tmp_path, best_metric="macro_f2", validated=[0.5])


def test_averaged_weights_are_what_is_validated_and_what_is_made_a_checkpoint_of(network, examples, tmp_path):
    listener = run(network, examples, tmp_path, average="tail")
    ended = weights(network)
    load_trained(network, listener.checkpoints[max(listener.checkpoints)])
    assert not same(ended, weights(network))


def test_a_gradient_that_is_not_finite_stops_the_run_with_its_step_and_its_examples(
    network, examples, tmp_path
):
    with torch.no_grad():
        network.heads["polarity"].output.bias.fill_(float("nan"))
    with pytest.raises(
        Diverged, match=r"step 0 \(epoch 0\).*polarity nan.*all \d+ .*learning_rate"
    ) as raised:
        run(network, examples, tmp_path)
    assert all(0 <= row < len(examples) for row in raised.value.rows)


class Poisoned(torch.nn.Module):
    """A head whose logits are not finite where a pooled state is that of the row it was made for."""

    def __init__(self, head: torch.nn.Module, row: int) -> None:
        super().__init__()
        self.output, self.loss, self._head, self._row = head.output, head.loss, head, row
        self.spec, self.objective, self.reads_tokens = head.spec, head.objective, head.reads_tokens
        self.calls = 0

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        logits: torch.Tensor = self._head(pooled)
        poison = torch.zeros_like(logits)
        if self.calls == 3:
            poison[self._row] = float("inf")
        return logits + poison


def test_one_example_whose_logits_are_not_finite_is_named_among_its_batch(network, examples, tmp_path):
    network.heads["polarity"] = Poisoned(network.heads["polarity"], row=1)
    with pytest.raises(
        Diverged, match=r"step 2 \(epoch 0\).*of the \d+ examples .*, rows \d+ have"
    ) as raised:
        run(network, examples, tmp_path)
    assert len(raised.value.rows) == 1


class Full(torch.nn.Module):
    """A backbone for which no pass of more than 100 tokens finds memory."""

    def __init__(self, backbone: torch.nn.Module) -> None:
        super().__init__()
        self._backbone = backbone

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        if input_ids.numel() > 100:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return self._backbone(input_ids=input_ids, attention_mask=attention_mask)


def test_memory_that_runs_out_says_what_to_lower_and_lowering_it_helps(network, examples, tmp_path):
    network.backbone = Full(network.backbone)
    with pytest.raises(
        TrainingError,
        match=r"out of memory on cpu in a pass of \d+ reviews of \d+ tokens; lower loop.micro_tokens, now not set",
    ):
        run(network, examples, tmp_path / "full")
    assert run(network, examples, tmp_path / "cut", micro_tokens=96).heard


def test_two_passes_without_dropout_are_refused(network, examples, tmp_path):
    with pytest.raises(TrainingError, match="set dropout = true"):
        run(network, examples, tmp_path, r_drop=1.0)


def test_a_checkpoint_of_another_network_is_not_resumed_from(network, backbone, examples, tmp_path):
    listener = run(network, examples, tmp_path / "a", epochs=1)
    whole = make_network(backbone, adapted=False)
    with pytest.raises(TrainingError, match="another run file"):
        run(
            whole,
            examples,
            tmp_path / "b",
            epochs=1,
            resume_from=listener.checkpoints[max(listener.checkpoints)],
        )


def test_a_checkpoint_of_other_examples_is_not_resumed_from(network, backbone, examples, tmp_path):
    listener = run(network, examples, tmp_path / "a", epochs=1)
    checkpoint = listener.checkpoints[max(listener.checkpoints)]
    with pytest.raises(TrainingError, match="have changed since"):
        run(network, make_examples(backbone, 90), tmp_path / "b", epochs=1, resume_from=checkpoint)


def test_a_report_says_how_far_and_how_fast(network, examples, tmp_path):
    first = run(network, examples, tmp_path, epochs=1).heard[0]
    assert {"step", "steps", "epoch", "gradient_norm", "polarity_loss", "tokens_per_s", "left_s"} <= set(
        first
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # inductor's own, and they differ with the compiler that is found
def test_a_compiled_network_takes_the_same_steps(backbone, examples, tmp_path):
    lines = []
    for compiled in (False, True):
        network = make_network(backbone, adapted=True)
        heard = run(network, examples, tmp_path / str(compiled), epochs=1, compile=compiled).heard
        lines.append([line["polarity_loss"] for line in heard])
    assert lines[1] == pytest.approx(lines[0], abs=1e-3)
