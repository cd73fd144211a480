"""Averaged weights: the mean of what training passed through is often worth more than where it ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor

from reviewmine.model.network import OpinionNetwork
from reviewmine.train.parallel import local, trained
from reviewmine.train.settings import LoopSettings


class AveragedWeights:
    """The running mean of what is trained in a network, cut among workers as the network is."""

    def __init__(self, network: OpinionNetwork, settings: LoopSettings, num_steps: int) -> None:
        self.tensors = {name: p.detach().clone() for name, p in trained(network)}
        self._network, self._settings = network, settings
        self._first = round(num_steps * (1 - settings.tail_share))

    @torch.no_grad()
    def add(self, step: int) -> None:
        """Take in the weights after `step`, counted from 0.

        `ema` follows the first steps more closely, as a mean of few should; `tail` counts all from its first
        step on alike, and follows the weights before.
        """
        if self._settings.average == "ema":
            share = 1 - min(self._settings.ema_decay, (1 + step) / (10 + step))
        else:
            share = 1 / max(1, step - self._first + 1)
        means = [local(mean) for mean in self.tensors.values()]
        cast(Any, torch)._foreach_lerp_(means, [local(p.detach()) for _, p in trained(self._network)], share)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The network with the averaged weights in place of the last ones, within a `with`."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, parameter in trained(self._network):
            mean: Tensor = self.tensors[name]
            last = parameter.detach().clone()
            parameter.copy_(mean)
            mean.copy_(last)
