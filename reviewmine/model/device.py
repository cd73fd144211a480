"""What the device at hand is good at: its number format and its threads."""

from pathlib import Path
from typing import Final

import torch

DEVICE_TROUBLE: Final[tuple[type[Exception], ...]] = (torch.OutOfMemoryError, torch.AcceleratorError)
"""What torch raises where a device is full or broken, whatever was computed on it."""

_LINUX_CPU = Path("/proc/cpuinfo")
_REAL_BF16_FLAGS = frozenset({"amx_bf16", "avx512_bf16"})


def best_device() -> torch.device:
    """The first CUDA device if there is one, else the CPU."""
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def fast_dtype(device: torch.device | str) -> torch.dtype:
    """The number format in which `device` multiplies matrices fastest without loss that labels would show.

    bfloat16 on CUDA devices that compute in it, and on CPUs whose instruction set has it; a CPU that only
    emulates bfloat16 is some hundred times slower in it than in float32, so there it is float32.
    """
    if torch.device(device).type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return torch.bfloat16 if _REAL_BF16_FLAGS & _cpu_flags() else torch.float32


def tokens_per_pass(device: torch.device | str) -> int:
    """How many tokens, padding included, one pass of a network should read on `device`.

    A CPU is slowed down by states that leave its caches, a GPU by passes that do not fill it.
    """
    return 65536 if torch.device(device).type == "cuda" else 4096


def set_threads(num_threads: int) -> None:
    """Give torch `num_threads` CPU threads; two workers that each take all cores slow each other manyfold."""
    if num_threads < 1:
        raise ValueError(f"{num_threads} threads: expected at least one")
    torch.set_num_threads(num_threads)


def _cpu_flags() -> frozenset[str]:
    try:
        with _LINUX_CPU.open(encoding="utf-8") as lines:
            return frozenset(next((line for line in lines if line.startswith("flags")), "").split())
    except OSError:
        return frozenset()
