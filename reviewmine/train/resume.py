"""What a stopped run is taken up from: trained tensors, optimizer and the number of steps taken, in one directory."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from reviewmine.errors import TrainingError
from reviewmine.model.network import OpinionNetwork

WEIGHTS_FILE: Final = "trained.safetensors"
OPTIMIZER_FILE: Final = "optimizer.pt"
PROGRESS_FILE: Final = "progress.json"


def keep(network: OpinionNetwork, optimizer: torch.optim.Optimizer, step: int, directory: Path) -> None:
    """Write what `restore` needs: trained tensors, optimizer, and the number of steps taken."""
    directory.mkdir(parents=True, exist_ok=True)
    save_file({name: p.detach().cpu().contiguous() for name, p in trained(network)}, directory / WEIGHTS_FILE)
    torch.save(optimizer.state_dict(), directory / OPTIMIZER_FILE)
    (directory / PROGRESS_FILE).write_text(json.dumps({"step": step}), encoding="utf-8")


def restore(network: OpinionNetwork, optimizer: torch.optim.Optimizer, directory: Path) -> int:
    """Load what `keep` wrote in `directory`; returns the number of steps taken when it was written."""
    load_trained(network, directory)
    optimizer.load_state_dict(torch.load(directory / OPTIMIZER_FILE, weights_only=True))
    step: int = json.loads((directory / PROGRESS_FILE).read_text(encoding="utf-8"))["step"]
    return step


def load_trained(network: OpinionNetwork, directory: Path) -> None:
    """Load the trained tensors that `keep` wrote in `directory` into `network`."""
    kept = load_file(directory / WEIGHTS_FILE)
    parameters = dict(trained(network))
    if kept.keys() != parameters.keys():
        raise TrainingError(
            f"{directory}: {len(kept)} trained tensors, expected {len(parameters)}; another run file"
        )
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(kept[name])


def trained(network: OpinionNetwork) -> Iterator[tuple[str, nn.Parameter]]:
    """The parameters that training changes, by name."""
    return ((name, p) for name, p in network.named_parameters() if p.requires_grad)
