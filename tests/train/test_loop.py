from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from tiny import WIDTH, make_backbone, make_reviews

from reviewmine.contract.examples import ExampleColumns, conform
from reviewmine.errors import TrainingError
from reviewmine.examples.encoded import EncodedExamples, encode_examples
from reviewmine.model import adapter
from reviewmine.model.backbone import load_backbone
from reviewmine.model.network import OpinionNetwork, disable_dropout
from reviewmine.model.tuning_spec import LowRankAdapter
from reviewmine.text.encode import TextEncoder
from reviewmine.train.collate import EpochBatches
from reviewmine.train.loop import fit, head_losses
from reviewmine.train.optimizer import LoopSettings
from reviewmine.train.resume import trained

SETTINGS = LoopSettings(
    epochs=2, budget_tokens=512, learning_rate=5e-3, head_learning_rate=5e-3, report_steps=5
)


class Listener:
    """A reporter that keeps what it hears."""

    def __init__(self, rank: int = 0, world_size: int = 1) -> None:
        self.rank, self.world_size = rank, world_size
        self.heard: list[tuple[Mapping[str, float], Path | None]] = []

    def report(self, metrics: Mapping[str, float], checkpoint: Path | None) -> None:
        self.heard.append((metrics, checkpoint))


@pytest.fixture(scope="module")
def backbone_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_backbone(tmp_path_factory.mktemp("backbone"))


@pytest.fixture(scope="module")
def examples(backbone_path: Path) -> EncodedExamples:
    table = conform(
        make_reviews(150), ExampleColumns(body="text", title="title", rating="stars"), where="here"
    )
    tokenizer = load_backbone(str(backbone_path)).tokenizer
    return encode_examples(table, TextEncoder(tokenizer.backend_tokenizer, max_tokens=64), pad_id=0)


@pytest.fixture
def network(backbone_path: Path) -> OpinionNetwork:
    torch.manual_seed(1)
    encoder = adapter.attach(load_backbone(str(backbone_path)).model, LowRankAdapter(rank=8))
    network = OpinionNetwork(encoder, width=WIDTH, pooling="mean")
    disable_dropout(network)
    return network


def run(network: OpinionNetwork, examples: EncodedExamples, scratch: Path, **values: object) -> Listener:
    listener = Listener()
    resume = values.pop("resume_from", None)
    settings = SETTINGS.model_copy(update=values)
    fit(
        network,
        examples,
        settings,
        listener,
        seed=5,
        title_drop=0.3,
        scratch=scratch,
        resume_from=resume if isinstance(resume, Path) else None,
    )
    return listener


def weights(network: OpinionNetwork) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in trained(network)}


def test_it_learns_what_the_words_say(
    network: OpinionNetwork, examples: EncodedExamples, tmp_path: Path
) -> None:
    heard = run(network, examples, tmp_path, epochs=6).heard
    assert heard[-1][0]["polarity_loss"] < 0.6 * heard[0][0]["polarity_loss"]


def test_only_adapter_and_heads_change(
    network: OpinionNetwork, examples: EncodedExamples, tmp_path: Path
) -> None:
    before = {name: p.detach().clone() for name, p in network.named_parameters() if not p.requires_grad}
    run(network, examples, tmp_path, epochs=1)
    after = dict(network.named_parameters())
    assert before
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_two_runs_of_one_seed_end_in_the_same_weights(
    backbone_path: Path, examples: EncodedExamples, tmp_path: Path
) -> None:
    ends = []
    for number in range(2):
        torch.manual_seed(1)
        network = OpinionNetwork(load_backbone(str(backbone_path)).model, width=WIDTH, pooling="mean")
        run(network, examples, tmp_path / str(number), epochs=1)
        ends.append(weights(network))
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_a_resumed_run_ends_where_an_undisturbed_one_does(
    network: OpinionNetwork, backbone_path: Path, examples: EncodedExamples, tmp_path: Path
) -> None:
    heard = run(network, examples, tmp_path / "whole").heard
    metrics, checkpoint = heard[len(heard) // 2]
    torch.manual_seed(2)
    encoder = adapter.attach(load_backbone(str(backbone_path)).model, LowRankAdapter(rank=8))
    other = OpinionNetwork(encoder, width=WIDTH, pooling="mean")
    disable_dropout(other)
    resumed = run(other, examples, tmp_path / "rest", resume_from=checkpoint).heard
    assert [m["step"] for m, _ in resumed] == [m["step"] for m, _ in heard if m["step"] > metrics["step"]]
    ends = weights(other)
    for name, tensor in weights(network).items():
        torch.testing.assert_close(ends[name], tensor)


def test_every_worker_reports_equally_often_and_worker_0_alone_brings_a_checkpoint(
    network: OpinionNetwork, examples: EncodedExamples, tmp_path: Path
) -> None:
    alone = run(network, examples, tmp_path / "0")
    second = Listener(rank=1, world_size=2)
    fit(network, examples, SETTINGS, second, seed=5, title_drop=0.3, scratch=tmp_path / "1")
    assert len(second.heard) == len(alone.heard)
    assert all(checkpoint is None for _, checkpoint in second.heard)
    assert all(checkpoint is not None and checkpoint.is_dir() for _, checkpoint in alone.heard)


def test_gradients_of_two_workers_average_to_the_gradient_of_one(
    network: OpinionNetwork, examples: EncodedExamples
) -> None:
    def gradients(rank: int, world_size: int, step: int) -> dict[str, torch.Tensor]:
        batch = EpochBatches(
            examples, budget_tokens=512, title_drop=0.0, seed=5, epoch=0, rank=rank, world_size=world_size
        )[step]
        losses = head_losses(network, network(batch.token_ids, batch.attention_mask).logits, batch)
        network.zero_grad()
        (sum(losses.values(), torch.zeros(())) * world_size).backward()  # type: ignore[no-untyped-call]
        return {name: p.grad.clone() for name, p in trained(network) if p.grad is not None}

    for step in range(3):
        whole, halves = gradients(0, 1, step), [gradients(rank, 2, step) for rank in range(2)]
        for name, gradient in whole.items():
            torch.testing.assert_close(
                (halves[0][name] + halves[1][name]) / 2, gradient, atol=1e-5, rtol=1e-4
            )


def test_a_loss_that_is_not_finite_stops_the_run_with_its_step(
    network: OpinionNetwork, examples: EncodedExamples, tmp_path: Path
) -> None:
    with torch.no_grad():
        network.heads["polarity"].output.bias.fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"step 0 .*learning_rate"):
        run(network, examples, tmp_path)


def test_a_checkpoint_of_another_network_is_not_resumed_from(
    network: OpinionNetwork, backbone_path: Path, examples: EncodedExamples, tmp_path: Path
) -> None:
    checkpoint = run(network, examples, tmp_path / "a", epochs=1).heard[-1][1]
    whole = OpinionNetwork(load_backbone(str(backbone_path)).model, width=WIDTH, pooling="mean")
    with pytest.raises(TrainingError, match="another run file"):
        run(whole, examples, tmp_path / "b", resume_from=checkpoint)
