"""The meter: mean losses over all workers, tokens per second, the share of the peak that is used, the time left."""

import time
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from reviewmine.train.collate import Batch
from reviewmine.train.parallel import summed


class Meter:
    """What happened since it was last read; losses and tokens are those of all workers together.

    Losses stay on their device until then, so that a step need not be waited for. `peak_gflops` is what one
    worker's device was measured to do, `flop_per_token` what training costs.
    """

    def __init__(
        self, world_size: int, *, flop_per_token: float = 0.0, peak_gflops: float | None = None
    ) -> None:
        self._flop_per_token = flop_per_token
        self._peak = peak_gflops * 1e9 * world_size if peak_gflops else None
        self._born = time.monotonic()
        self._num_taken = 0
        self.restart()

    def add(self, losses: Mapping[str, Tensor], passes: Sequence[Batch]) -> None:
        """Count one step of this worker: its share of each head's mean loss, and the passes it made."""
        num_labels = passes[0].num_labels
        for name, loss in losses.items():
            self._sums[name] = self._sums.get(name, torch.zeros_like(loss)) + loss * num_labels[name]
            self._num_labels[name] = self._num_labels.get(name, 0) + num_labels[name]
        self._tokens += sum(batch.num_tokens for batch in passes)
        self._num_taken += 1

    def read(self, steps_left: int) -> dict[str, float]:
        """The figures since the last restart, the same on every worker; each of them has to ask.

        `tokens_per_s` counts real tokens, not padding, while steps are taken; `left_s` goes by all the time that
        passed, validation and checkpoints included, and is an upper bound where a run may stop early.
        """
        names = list(self._sums)
        device = self._sums[names[0]].device
        counts = torch.tensor([float(self._tokens)], dtype=torch.float64, device=device)
        totals = summed(
            torch.cat([torch.stack([self._sums[name] for name in names]).double(), counts])
        ).tolist()
        seconds = time.monotonic() - self._since
        rate = totals[-1] / seconds
        losses = {
            f"{name}_loss": total / max(1, self._num_labels[name])
            for name, total in zip(names, totals, strict=False)
        }
        used = {"peak_share": rate * self._flop_per_token / self._peak} if self._peak else {}
        left = steps_left * (time.monotonic() - self._born) / self._num_taken
        return {**losses, "tokens_per_s": rate, **used, "left_s": left}

    def restart(self) -> None:
        """Forget what was counted, and count the seconds from now."""
        self._sums: dict[str, Tensor] = {}
        self._num_labels: dict[str, int] = {}
        self._tokens, self._since = 0, time.monotonic()


def flop_per_token(network: nn.Module) -> float:
    """Floating point operations that training takes for one token, by the matrices that it goes through.

    Two for each weight on the way forward; two more, on the way back, for each that has something trained before
    it; two more for each that is trained: 6 a weight where all are trained, 4 where a frozen one is trained
    through, 2 where nothing below is trained. Not counted: looking embeddings up, norms, the two products of
    attention between tokens, the optimizer, what is computed again under gradient checkpointing, and padding.
    """
    total, trains_below = 0, False
    for module in network.modules():
        for parameter in module.parameters(recurse=False):
            if parameter.ndim > 1 and not isinstance(module, nn.Embedding):
                total += parameter.numel() * (2 + 2 * trains_below + 2 * parameter.requires_grad)
            trains_below = trains_below or parameter.requires_grad
    return float(total)
