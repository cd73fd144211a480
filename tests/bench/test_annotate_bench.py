"""scripts/bench/annotate: what it counts and what it says, on a few made rows; how quick anything is, is not tested."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from tiny import make_backbone
from torch.utils.flop_counter import FlopCounterMode

from reviewmine.errors import ArchiveError
from reviewmine.model.backbone import load_encoder
from reviewmine.model.inspect import builtin_checkpoint, load_text_encoder

sys.path.append(str(Path(__file__).resolve().parents[2] / "scripts" / "bench"))

from annotate_agreement import Agreement, agreement
from annotate_contenders import make_contender
from annotate_measures import Machine, TokenCount, counted, rotated, this_machine
from annotate_report import agreement_line, ratio_lines, report
from annotate_results import ASKED, Measured, Results
from annotate_reviews import bench_reviews

BENCH = Path(__file__).resolve().parents[2] / "scripts" / "bench"
AMX = Machine(
    cpu="a CPU",
    cpu_has={"amx_bf16": True, "avx512_bf16": True},
    num_threads=2,
    torch_version="2",
    device=torch.device("cpu"),
    device_name="cpu",
)


class MachineWithBf16(Machine):
    """This machine, said to have bfloat16; networks are loaded in the format that it really has."""

    has_bf16 = True


def results(machine: Machine = AMX, **changed: object) -> Results:
    """Results of 1,200 rows on which `reviewmine without summary` is exactly as many times as quick as is asked."""
    seconds = {"reviewmine": 2.0, "reviewmine without summary": 1.0, "reviewmine encoder": 0.5, **ASKED}
    contenders = [
        Measured(
            name=name,
            how="all at once",
            dtype=torch.float32,
            tokens=TokenCount(lengths=[90, 10], num_computed=200),
            flop_per_token=1e6,
            num_rows=1200,
            seconds=[took] * 5,
        )
        for name, took in seconds.items()
    ]
    found = Results(
        machine=machine,
        origin="reviews.parquet",
        is_made=False,
        num_rows=1200,
        num_repeats=5,
        contenders=contenders,
        missing={},
        peaks={torch.float32: 100.0},
        agreement=Agreement(num_rows=1200, shares={"polarity": 0.996, "intensity_level": 0.99}),
        passages=[],
    )
    return replace(found, **changed)


def test_the_script_measures_made_rows_and_counts_their_tokens() -> None:
    command = [sys.executable, BENCH / "annotate_bench.py", "--rows", "24", "--repeats", "1", "--without-ray"]
    result = subprocess.run(
        [*command, "--contenders", "reviewmine,reviewmine without summary,reviewmine encoder"],
        text=True,
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    reviews = bench_reviews(None, num_rows=24, seed=7).conformed
    encoded = load_text_encoder(builtin_checkpoint()).encode(
        reviews["title"].to_pylist(), reviews["body"].to_pylist()
    )
    num_tokens = sum(len(review.token_ids) for review in encoded)
    lines = result.stdout.splitlines()
    assert lines[1] == "24 rows of made reviews, seed 7; medians of 1"
    for name in ("reviewmine  ", "reviewmine without summary  ", "reviewmine encoder  "):
        (line,) = (line for line in lines if line.startswith(name))
        assert f"  {num_tokens:,}  " in line
    assert any(line.startswith("Whether what is asked is reached cannot be judged here: ") for line in lines)


def test_the_command_leaves_paths_to_where_it_is_called(tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\ncase $1 in */annotate_bench.py) shift; echo "$PWD: $@" ;; esac\n')
    python.chmod(0o755)
    result = subprocess.run(
        [BENCH / "annotate", "--examples", "reviews.parquet"],
        env={**os.environ, "REVIEWMINE_VENV": str(tmp_path / "venv")},
        cwd=tmp_path,
        text=True,
        capture_output=True,
        check=False,
    )
    assert (result.stdout, result.returncode) == (f"{tmp_path}: --examples reviews.parquet\n", 0)


def test_equal_and_blank_reviews_are_left_out_and_the_rest_keeps_its_order(tmp_path: Path) -> None:
    bodies = ["One.", " ", "Two.", "One.", None, "Three.", "Two."]
    pq.write_table(pa.table({"body": bodies, "title": [None] * 6 + ["Good"]}), tmp_path / "r.parquet")
    reviews = bench_reviews(tmp_path / "r.parquet", num_rows=9, seed=0)
    assert reviews.texts == ["One.", "Two.", "Three.", "Good. Two."]
    assert reviews.conformed["body"].to_pylist() == ["One.", "Two.", "Three.", "Two."]
    fewer = bench_reviews(tmp_path / "r.parquet", num_rows=3, seed=0)
    assert fewer.texts == [text for text in reviews.texts if text in fewer.texts]
    assert len(fewer) == 3


def test_a_file_without_bodies_is_refused_by_name(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["One."]}), tmp_path / "r.parquet")
    with pytest.raises(ArchiveError, match=r"r\.parquet: no column `body` among \['text'\]"):
        bench_reviews(tmp_path / "r.parquet", num_rows=1, seed=0)


def test_the_operations_of_a_token_are_those_that_torch_counts(tmp_path: Path) -> None:
    encoder = load_encoder(make_backbone(tmp_path))
    encoder.set_attn_implementation("eager")
    token_ids = torch.ones(3, 11, dtype=torch.int64)
    with counted(encoder) as tokens, FlopCounterMode(display=False) as operations:
        encoder(input_ids=token_ids, attention_mask=torch.ones_like(token_ids))
    assert tokens.num_real == tokens.num_computed == 33
    assert tokens.flop_per_token(encoder.config) * 33 == operations.get_total_flops()


def test_padding_is_computed_but_not_real(tmp_path: Path) -> None:
    encoder = load_encoder(make_backbone(tmp_path))
    with counted(encoder) as tokens:
        encoder(
            input_ids=torch.ones(2, 4, dtype=torch.int64),
            attention_mask=torch.tensor([[1, 1, 1, 1], [1, 0, 0, 0]]),
        )
    assert (tokens.lengths, tokens.num_computed, tokens.padding_share) == ([4, 1], 8, 3 / 8)


@pytest.mark.parametrize(
    ("name", "batch_size"), [("pipeline fp32 64", 64), ("sentence-transformers bf16", 32)]
)
def test_the_others_pad_to_the_longest_row_of_each_of_their_batches(name: str, batch_size: int) -> None:
    reviews = bench_reviews(None, num_rows=70, seed=3)
    contender = make_contender(name, reviews, AMX, seed=0)
    assert contender is not None
    with counted(contender.encoder) as tokens:
        contender.read()
    batches = [tokens.lengths[first : first + batch_size] for first in range(0, 70, batch_size)]
    assert len(tokens.lengths) == 70
    assert tokens.num_computed == sum(len(batch) * max(batch) for batch in batches)


def test_labels_of_one_format_agree_with_themselves() -> None:
    machine = MachineWithBf16(**vars(this_machine(torch.device("cpu"), num_threads=1)))
    found = agreement(bench_reviews(None, num_rows=4, seed=3), machine)
    assert found == Agreement(num_rows=4, shares={"polarity": 1.0, "intensity_level": 1.0})


def test_each_repeat_begins_with_the_next_contender() -> None:
    orders = [rotated(["a", "b", "c"], turn) for turn in range(4)]
    assert orders == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]]


def test_rates_and_shares_follow_from_the_median_and_the_real_tokens() -> None:
    found = results()
    measured = found.contenders[0]
    measured.seconds = [9.0, 2.0, 1.0]
    assert (measured.rows_per_s, measured.tokens_per_s, measured.tokens.padding_share) == (600, 50, 0.5)
    assert found.share_of_peak(measured) == pytest.approx(50 * 1e6 / 100e9)


def test_what_is_asked_is_judged_on_a_cpu_with_amx_bf16_and_real_reviews() -> None:
    lines = list(ratio_lines(results()))
    assert [line.split()[-1] for line in lines[1:]] == ["reached"] * 3
    assert "polarity 99.60% reached, intensity_level 99.00% missed" in agreement_line(results())


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"machine": replace(AMX, cpu_has={"amx_bf16": False, "avx512_bf16": True})}, "this one has none"),
        ({"machine": replace(AMX, device=torch.device("cuda", 0))}, "ran on a GPU"),
        ({"is_made": True}, "--examples"),
        ({"num_rows": 1199}, "1,200 rows"),
        ({"num_repeats": 4}, "medians of 5"),
    ],
)
def test_elsewhere_the_figures_stand_without_a_judgement(changed: dict[str, object], reason: str) -> None:
    text = "\n".join(report(results(**changed)))
    assert "cannot be judged here" in text
    assert reason in text
    assert not {"reached", "missed"} & set(text.split("Whether")[0].replace(",", " ").split())


def test_a_contender_that_cannot_run_is_named_with_what_would_help() -> None:
    found = results(missing={"sentence-transformers bf16": "install it"}, contenders=results().contenders[:3])
    text = "\n".join(report(found))
    assert "sentence-transformers bf16: not run; install it" in text
    assert found.as_json()["times"]["sentence-transformers bf16"] is None
