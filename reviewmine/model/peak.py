"""The most that a device can do: its measured peak in products of matrices."""

import time
from collections.abc import Callable

import torch


def matrix_peak(device: torch.device, dtype: torch.dtype, *, num_tries: int = 8) -> float:
    """GFLOP/s of the product of two square matrices, the best of `num_tries`.

    The matrices are 2048 wide on a CPU and 8192 on a GPU; float32 is multiplied as torch does it unasked. They are
    filled at random: a GPU draws less power for equal numbers, and multiplies them faster than any network's.
    """
    width = 8192 if device.type == "cuda" else 2048
    drawn = torch.Generator(device).manual_seed(0)
    left, right = (torch.randn(width, width, generator=drawn, dtype=dtype, device=device) for _ in range(2))
    product = torch.empty_like(left)

    def multiply() -> None:
        torch.mm(left, right, out=product)

    multiply()
    return 2 * width**3 / min(seconds(multiply, device) for _ in range(num_tries)) / 1e9


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """How long `work` takes, until `device` has done what it was asked to."""
    _synchronize(device)
    start = time.perf_counter()
    work()
    _synchronize(device)
    return time.perf_counter() - start


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
