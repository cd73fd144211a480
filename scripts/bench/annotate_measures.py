"""Measures: seconds, tokens and operations, and the most that the machine could do of them."""

import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from reviewmine.model.device import fast_dtype

BF16_FLAGS = ("amx_bf16", "avx512_bf16")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What the bench ran on."""

    cpu: str
    cpu_has: dict[str, bool]
    """Whether the CPU has each of BF16_FLAGS."""
    num_threads: int
    torch_version: str
    device: torch.device
    device_name: str

    @property
    def bf16(self) -> torch.dtype:
        """bfloat16 where the device computes in it; float32 where it would only emulate it."""
        return fast_dtype(self.device)

    @property
    def has_bf16(self) -> bool:
        return self.bf16 is torch.bfloat16


def this_machine(device: torch.device, *, num_threads: int) -> Machine:
    """The machine at hand, by /proc/cpuinfo where there is one."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    fields = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    named = {name.strip(): value.strip() for name, value in fields.items()}
    flags = named.get("flags", "").split()
    return Machine(
        cpu=named.get("model name") or platform.machine(),
        cpu_has={flag: flag in flags for flag in BF16_FLAGS},
        num_threads=num_threads,
        torch_version=torch.__version__,
        device=device,
        device_name=torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
    )


class EncoderConfig(Protocol):
    """What an encoder of the Hugging Face kind says of its size."""

    num_hidden_layers: int
    hidden_size: int
    intermediate_size: int


@dataclass
class TokenCount:
    """The tokens that an encoder read in one pass over the rows."""

    lengths: list[int] = field(default_factory=list)
    """Real tokens of each row, special tokens counted, in the order of reading."""
    num_computed: int = 0
    """Tokens of all batches, padding counted."""

    @property
    def num_real(self) -> int:
        return sum(self.lengths)

    @property
    def padding_share(self) -> float:
        """The share of the computed tokens that is padding."""
        return 1 - self.num_real / self.num_computed

    def flop_per_token(self, config: EncoderConfig) -> float:
        """Floating point operations of the encoder for one real token, the mean over these tokens.

        layers x (8 H^2 + 4 H I + 4 T H): two operations for each weight of the four H x H matrices of attention
        and of the two H x I matrices behind it, and for the T tokens of the row two products of width H. T is the
        mean over tokens, sum(L^2) / sum(L) for rows of L real tokens. Embeddings, norms, softmax and heads are
        not counted, nor is anything that padding costs.
        """
        width, inner = config.hidden_size, config.intermediate_size
        seen = sum(length * length for length in self.lengths) / self.num_real
        return config.num_hidden_layers * (8 * width * width + 4 * width * inner + 4 * seen * width)


@contextmanager
def counted(encoder: nn.Module) -> Iterator[TokenCount]:
    """The tokens that `encoder` is given by name (`input_ids`, `attention_mask`) within a `with`.

    Its `forward` is replaced for that long: a hook would miss those who call `forward` itself, as
    sentence-transformers does.
    """
    count, forward = TokenCount(), encoder.forward

    @wraps(forward)
    def noting(*given: Any, **named: Any) -> Any:
        token_ids, mask = named["input_ids"], named.get("attention_mask")
        count.num_computed += token_ids.numel()
        count.lengths += (torch.ones_like(token_ids) if mask is None else mask).sum(dim=1).tolist()
        return forward(*given, **named)

    encoder.forward = noting
    try:
        yield count
    finally:
        del encoder.forward


def rotated(names: Sequence[str], turn: int) -> list[str]:
    """`names`, beginning `turn` places further on."""
    shift = turn % len(names)
    return [*names[shift:], *names[:shift]]
