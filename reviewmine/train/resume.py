"""What a stopped run is taken up from, in one directory: weights, optimizer, their mean, the best so far, progress.

All tensors are written whole, whatever number of workers they were cut among, so any number may go on.
Step and seed say the rest: which batch comes next, at which rate, with which dropout.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from reviewmine.errors import TrainingError
from reviewmine.model.allocation import Allocation
from reviewmine.model.digest import sha256_of
from reviewmine.model.network import OpinionNetwork
from reviewmine.train.averaging import AveragedWeights
from reviewmine.train.parallel import cut_like, trained, whole

WEIGHTS_FILE: Final = "trained.safetensors"
AVERAGED_FILE: Final = "averaged.safetensors"
BEST_FILE: Final = "best.safetensors"
OPTIMIZER_FILE: Final = "optimizer.pt"
PROGRESS_FILE: Final = "progress.json"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is: steps taken of how many, the best validation so far, how many since have not bettered it."""

    num_steps: int
    step: int = 0
    best: float | None = None
    best_step: int | None = None
    num_worse: int = 0

    def validated(self, value: float, is_better: bool) -> "Progress":
        """The progress after a validation that gave `value`."""
        if is_better:
            return replace(self, best=value, best_step=self.step, num_worse=0)
        return replace(self, num_worse=self.num_worse + 1)


@dataclass(frozen=True, kw_only=True)
class Learner:
    """What learns in a run: network and optimizer, the mean of weights and the allocation of ranks, if any."""

    network: OpinionNetwork
    optimizer: torch.optim.Optimizer
    averaged: AveragedWeights | None = None
    allocation: Allocation | None = None


def keep(
    learner: Learner, progress: Progress, directory: Path, *, best_from: Path | None, writes: bool
) -> None:
    """Write what `restore` needs; `best_from` is a directory that has the best weights already, or None.

    Every worker has to call this at the same time, since tensors may be cut among them; those that write do.
    """
    files = {WEIGHTS_FILE: _whole(dict(trained(learner.network)))}
    if learner.averaged is not None:
        files[AVERAGED_FILE] = _whole(learner.averaged.tensors)
    optimizer = _whole_state(learner.optimizer.state_dict())
    if progress.best_step == progress.step:
        files[BEST_FILE] = files[AVERAGED_FILE if learner.averaged else WEIGHTS_FILE]
    if not writes:
        return
    directory.mkdir(parents=True, exist_ok=True)
    for name, tensors in files.items():
        save_file(tensors, directory / name)
    if best_from is not None and BEST_FILE not in files:
        shutil.copyfile(best_from / BEST_FILE, directory / BEST_FILE)
    if learner.allocation is not None:
        optimizer["allocation"] = learner.allocation.state()
    torch.save(optimizer, directory / OPTIMIZER_FILE)
    (directory / PROGRESS_FILE).write_text(json.dumps(asdict(progress)), encoding="utf-8")


def restore(learner: Learner, directory: Path, *, num_steps: int) -> Progress:
    """Load what `keep` wrote in `directory`, cut up as the network is now; returns the progress at that time.

    Raises TrainingError if that run was not one of `num_steps`, or if it trained another network.
    """
    progress = read_progress(directory)
    if progress.num_steps != num_steps:
        raise TrainingError(
            f"{directory}: kept in a run of {progress.num_steps} steps, found examples for {num_steps}; they have "
            "changed since: start a run of another id"
        )
    _load(dict(trained(learner.network)), directory / WEIGHTS_FILE)
    if learner.averaged is not None:
        _load(learner.averaged.tensors, directory / AVERAGED_FILE)
    state = torch.load(directory / OPTIMIZER_FILE, map_location="cpu", weights_only=True)
    allocated = state.pop("allocation", None)
    if learner.allocation is not None and allocated is not None:
        learner.allocation.restore(allocated)
    parameters = [p for group in learner.optimizer.param_groups for p in group["params"]]
    for number, kept in state["state"].items():
        state["state"][number] = {
            name: cut_like(value, parameters[number]) if isinstance(value, Tensor) and value.ndim else value
            for name, value in kept.items()
        }
    learner.optimizer.load_state_dict(state)
    return progress


def read_progress(directory: Path) -> Progress:
    """How far the run was when `keep` wrote `directory`."""
    return Progress(**json.loads((directory / PROGRESS_FILE).read_text(encoding="utf-8")))


def load_trained(network: nn.Module, directory: Path) -> None:
    """Load what a run that reported `directory` came to: its best weights, or else their mean, or else the last."""
    _load(dict(trained(network)), _trained_file(directory))


def trained_sha256(directory: Path) -> str:
    """The SHA-256 of what `load_trained` loads."""
    return sha256_of(_trained_file(directory))


def _trained_file(directory: Path) -> Path:
    names = (BEST_FILE, AVERAGED_FILE, WEIGHTS_FILE)
    name = next((name for name in names if (directory / name).is_file()), WEIGHTS_FILE)
    return directory / name


def _load(into: Mapping[str, Tensor], path: Path) -> None:
    kept = load_file(path)
    shapes = {name: tuple(tensor.shape) for name, tensor in kept.items()}
    if shapes != {name: tuple(tensor.shape) for name, tensor in into.items()}:
        raise TrainingError(f"{path}: {len(kept)} trained tensors, expected {len(into)}; another run file")
    with torch.no_grad():
        for name, tensor in into.items():
            tensor.copy_(cut_like(kept[name], tensor))


def _whole(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: whole(tensor.detach()).cpu().contiguous() for name, tensor in tensors.items()}


def _whole_state(state: dict[str, Any]) -> dict[str, Any]:
    """The state of an optimizer with its tensors whole, on the CPU."""
    per_parameter = {
        number: {
            name: whole(value).cpu() if isinstance(value, Tensor) else value for name, value in kept.items()
        }
        for number, kept in state["state"].items()
    }
    return {**state, "state": per_parameter}
