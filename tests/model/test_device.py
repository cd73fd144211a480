from pathlib import Path

import pytest
import torch

from reviewmine.model import device


def test_a_cpu_without_bfloat16_instructions_computes_in_float32(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    listing = tmp_path / "cpuinfo"
    listing.write_text("model name : a CPU\nflags : fpu sse avx2\n")
    monkeypatch.setattr(device, "_LINUX_CPU", listing)
    assert device.fast_dtype("cpu") == torch.float32


@pytest.mark.parametrize("flag", ["amx_bf16", "avx512_bf16"])
def test_a_cpu_with_bfloat16_instructions_computes_in_it(
    flag: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    listing = tmp_path / "cpuinfo"
    listing.write_text(f"flags : fpu avx2 {flag}\n")
    monkeypatch.setattr(device, "_LINUX_CPU", listing)
    assert device.fast_dtype("cpu") == torch.bfloat16


def test_where_the_cpu_cannot_be_asked_it_is_float32(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(device, "_LINUX_CPU", tmp_path / "absent")
    assert device.fast_dtype("cpu") == torch.float32


def test_no_threads_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        device.set_threads(0)
