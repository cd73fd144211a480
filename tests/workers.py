"""What tests of the loop train on, who listens to it, and several workers of torch's own (gloo, on the CPU)."""

import json
import shutil
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from tiny import WIDTH, make_reviews

from reviewmine.contract.examples import ExampleColumns, conform
from reviewmine.evaluation.judge import predict
from reviewmine.examples.encoded import EncodedExamples, encode_examples
from reviewmine.model import adapter
from reviewmine.model.backbone import load_backbone
from reviewmine.model.network import OpinionNetwork, disable_dropout
from reviewmine.model.tuning_spec import LowRankAdapter
from reviewmine.text.encode import TextEncoder
from reviewmine.train.loop import fit
from reviewmine.train.parallel import placed
from reviewmine.train.settings import LoopSettings


class Listener:
    """A reporter that keeps what it hears, and copies the directories it is brought, as a real one does."""

    def __init__(self, kept: Path, rank: int = 0, world_size: int = 1) -> None:
        self.rank, self.world_size, self._kept = rank, world_size, kept
        self.heard: list[dict[str, float]] = []
        self.reported: list[int] = []
        self.checkpoints: dict[int, Path] = {}

    def note(self, metrics: Mapping[str, float]) -> None:
        self.heard.append(dict(metrics))

    def report(self, metrics: Mapping[str, float], checkpoint: Path | None) -> None:
        self.note(metrics)
        step = int(metrics["step"])
        self.reported.append(step)
        if checkpoint is not None:
            self.checkpoints[step] = Path(shutil.copytree(checkpoint, self._kept / str(step)))


@dataclass(frozen=True, kw_only=True)
class Case:
    """A run of several workers: its settings, and what is trained in it."""

    name: str
    settings: LoopSettings
    adapted: bool = False
    dropout: bool = False
    resume_from: Path | None = None


def make_examples(backbone: Path, rows: int = 150) -> EncodedExamples:
    """Encoded reviews, the same for the same number of rows."""
    columns = ExampleColumns(body="text", title="title", rating="stars")
    table = conform(make_reviews(rows), columns, where="here")
    tokenizer = load_backbone(str(backbone)).tokenizer
    return encode_examples(table, TextEncoder(tokenizer.backend_tokenizer, max_tokens=64), pad_id=0)


def make_network(backbone: Path, *, adapted: bool, dropout: bool = False, seed: int = 1) -> OpinionNetwork:
    """An untrained network, the same for the same seed."""
    torch.manual_seed(seed)
    encoder = load_backbone(str(backbone)).model
    network = OpinionNetwork(
        adapter.attach(encoder, LowRankAdapter(rank=8)) if adapted else encoder, width=WIDTH, pooling="mean"
    )
    if not dropout:
        disable_dropout(network)
    return network


def run_case(case: Case, backbone: Path, scratch: Path, *, rank: int = 0, world_size: int = 1) -> Listener:
    """What one worker of a case hears; `scratch`/kept keeps the checkpoints by step."""
    network = make_network(backbone, adapted=case.adapted, dropout=case.dropout)
    examples = make_examples(backbone)
    listener = Listener(scratch / case.name / "kept", rank, world_size)

    def validate() -> dict[str, float]:
        return {"mean_logit": float(predict(network, examples)["polarity"].mean())}

    fit(
        network,
        examples,
        case.settings,
        listener,
        seed=5,
        title_drop=0.3,
        scratch=scratch / case.name / str(rank),
        forward=placed(network, case.settings, device=torch.device("cpu"), world_size=world_size),
        validate=validate,
        resume_from=case.resume_from,
    )
    return listener


def run_cases(
    cases: Sequence[Case], backbone: Path, scratch: Path, *, world_size: int
) -> dict[str, list[dict[str, float]]]:
    """What worker 0 of so many hears of each case, one case after the other in the same processes."""
    scratch.mkdir(parents=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = (world_size, port, cases, backbone, scratch)
    mp.start_processes(_work, arguments, nprocs=world_size, start_method="spawn")
    heard: dict[str, list[dict[str, float]]] = json.loads((scratch / "heard.json").read_text())
    return heard


def _work(
    rank: int, world_size: int, port: int, cases: Sequence[Case], backbone: Path, scratch: Path
) -> None:
    torch.set_num_threads(1)
    address = f"tcp://127.0.0.1:{port}"
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=world_size)
    heard = {
        case.name: run_case(case, backbone, scratch, rank=rank, world_size=world_size).heard for case in cases
    }
    if rank == 0:
        (scratch / "heard.json").write_text(json.dumps(heard))
    dist.destroy_process_group()
