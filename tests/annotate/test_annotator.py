from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from tiny_checkpoint import make_checkpoint, make_conformed

from reviewmine.annotate.annotator import Annotator
from reviewmine.annotate.prepare import Preparer
from reviewmine.annotate.rows import MADE_SCHEMA, assemble
from reviewmine.contract.annotations import validate
from reviewmine.errors import CheckpointError, ReviewmineError
from reviewmine.labels import POLARITIES
from reviewmine.model.checkpoint import load_checkpoint
from reviewmine.model.device import fast_dtype
from reviewmine.model.head_specs import OPINION_HEADS, ClassificationSpec, MultilabelSpec, TokensSpec
from reviewmine.text.clean import clean
from reviewmine.text.mask import mask
from reviewmine.text.sentences import join

LONG = "The battery is awful and it was very weak. The screen is great! The zip is broken. " * 5
BODIES = [
    "The sound is great.",
    LONG,
    "Poor strap. Nice lamp, very nice.",
    None,
    "ok " * 70,
    "😀",
    b"Caf\xe9.",
]


@pytest.fixture(scope="module")
def prepare(checkpoint: Path) -> Preparer:
    return Preparer(checkpoint)


@pytest.fixture(scope="module")
def annotator(checkpoint: Path) -> Annotator:
    return Annotator(checkpoint, device="cpu", tokens_per_batch=256)


class Network(torch.nn.Module):
    """The network of an annotator, counting the token sequences it reads and stumbling over one token."""

    def __init__(
        self, network: torch.nn.Module, *, stumbles_over: int = -1, answers_nan: bool = False
    ) -> None:
        super().__init__()
        self.network = network
        self.stumbles_over = stumbles_over
        self.answers_nan = answers_nan
        self.num_read: Counter[tuple[int, ...]] = Counter()

    def forward(self, token_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        assert int(attention_mask.numel()) <= 256
        stumbles = (token_ids == self.stumbles_over).any(dim=1)
        if stumbles.any() and not self.answers_nan:
            raise RuntimeError("stumbled")
        for ids, is_read in zip(token_ids, attention_mask.bool(), strict=True):
            self.num_read[tuple(ids[is_read].tolist())] += 1
        output = self.network(token_ids, attention_mask)
        output.logits["polarity"][stumbles] = float("nan")
        return output  # type: ignore[no-any-return]


@pytest.fixture
def watched(checkpoint: Path) -> tuple[Annotator, Network]:
    """An annotator, and its network to watch."""
    annotator = Annotator(checkpoint, device="cpu", tokens_per_batch=256)
    network = Network(annotator.network)
    annotator.network = network
    return annotator, network


def rows_of(
    reviews: pa.Table, prepare: Preparer, annotator: Annotator, failed: frozenset[int] = frozenset()
) -> pa.Table:
    prepared = prepare(reviews, failed)
    at = datetime(2026, 1, 2, tzinfo=UTC)
    return assemble(prepared, annotator(prepared), source_file="a.parquet", run_id="run", annotated_at=at)


def token_of(word: str, checkpoint: Path) -> int:
    return load_checkpoint(checkpoint).encoder.encode([None], [word])[0].token_ids[1]


def test_every_row_is_answered_in_order_and_keeps_the_contract(
    prepare: Preparer, annotator: Annotator
) -> None:
    rows = rows_of(make_conformed(BODIES * 9, first_row=5), prepare, annotator)
    validate(rows, where="a.parquet")
    assert rows["source_row"].to_pylist() == list(range(5, 5 + 63))
    assert rows["status"].to_pylist() == ["ok", "truncated", "ok", "empty", "truncated", "ok", "repaired"] * 9
    assert set(rows["model_version"].to_pylist()) == {annotator.model_version}


def test_a_row_is_answered_as_if_it_were_alone(prepare: Preparer, annotator: Annotator) -> None:
    together = annotator(prepare(make_conformed(BODIES)))
    for row, body in enumerate(BODIES):
        alone = annotator(prepare(make_conformed([body])))
        for name in MADE_SCHEMA.names:
            expected, found = alone[name][0].as_py(), together[name][row].as_py()
            assert found == (pytest.approx(expected, abs=1e-5) if isinstance(expected, float) else expected)


def test_the_numbers_are_the_calibrated_ones_of_the_checkpoint(
    checkpoint: Path, prepare: Preparer, annotator: Annotator
) -> None:
    prepared = prepare(make_conformed(["The zip is awful.", LONG]))
    made = annotator(prepared)
    loaded = load_checkpoint(checkpoint)
    tolerance = 1e-5 if fast_dtype("cpu") == torch.float32 else 1e-3  # of bfloat16, batches round otherwise
    for row, token_ids in enumerate(prepared["token_ids"].to_pylist()):
        ids = torch.tensor([token_ids])
        decoded = loaded.decode(loaded.network(ids, torch.ones_like(ids)).logits)
        found = [made[f"polarity_{polarity}"][row].as_py() for polarity in POLARITIES]
        np.testing.assert_allclose(found, decoded["polarity"][0], atol=tolerance)
        np.testing.assert_allclose(made["intensity"][row].as_py(), decoded["intensity"][0], atol=tolerance)


def test_summaries_are_what_their_spans_show(prepare: Preparer, annotator: Annotator) -> None:
    reviews = make_conformed([body for body in BODIES if isinstance(body, str)])
    made = annotator(prepare(reviews))
    for body, summary, spans in zip(
        *(table.to_pylist() for table in (reviews["body"], made["summary"], made["summary_spans"])),
        strict=True,
    ):
        assert 0 < len(summary) <= len(body)
        assert summary == mask(join([clean(body[span["start"] : span["end"]]) for span in spans]))


def test_a_network_that_pools_its_first_token_summarises_too(tmp_path: Path) -> None:
    checkpoint = make_checkpoint(tmp_path, pooling="cls")
    made = Annotator(checkpoint, device="cpu")(Preparer(checkpoint)(make_conformed([LONG, "Nice lamp."])))
    assert made["summary_method"].to_pylist() == ["extractive", "verbatim"]


def test_equal_texts_and_texts_that_clean_alike_are_read_once(
    prepare: Preparer, watched: tuple[Annotator, Network]
) -> None:
    annotator, network = watched
    bodies = ["Good case.", "Good case.", " Good  case.", "<b>Good</b> case.", "Nice lamp."] * 3
    made = annotator(prepare(make_conformed(bodies)))
    assert sorted(network.num_read.values()) == [1, 1]
    assert len(set(made["intensity"].to_pylist()[:4])) == 1
    assert made["summary_spans"][2].as_py()[0]["start"] == 1


def test_failed_rows_never_reach_the_network(prepare: Preparer, watched: tuple[Annotator, Network]) -> None:
    annotator, network = watched
    reviews = make_conformed(["Good case.", "Nice lamp.", ""], first_row=10)
    made = annotator(prepare(reviews), frozenset({11, 12}))
    assert made["status"].to_pylist() == ["ok", "failed", "failed"]
    assert len(network.num_read) == 1
    assert rows_of(reviews, prepare, annotator, frozenset({11, 12})).select(MADE_SCHEMA.names) == made


@pytest.mark.parametrize("answers_nan", [False, True])
def test_a_review_that_the_network_cannot_read_fails_alone(
    checkpoint: Path, prepare: Preparer, watched: tuple[Annotator, Network], answers_nan: bool
) -> None:
    annotator, network = watched
    network.stumbles_over, network.answers_nan = token_of("zip", checkpoint), answers_nan
    bodies = ["Good lamp.", "The zip.", "Nice case.", "The zip.", None] * 4
    rows = rows_of(make_conformed(bodies), prepare, annotator)
    validate(rows, where="a.parquet")
    assert rows["status"].to_pylist() == ["ok", "failed", "ok", "failed", "empty"] * 4


def test_a_network_that_can_read_nothing_is_an_error_and_no_table_of_failures(
    prepare: Preparer, watched: tuple[Annotator, Network]
) -> None:
    annotator, network = watched
    network.stumbles_over = prepare(make_conformed(["Good."]))["token_ids"][0].as_py()[0]
    with pytest.raises(RuntimeError, match="stumbled"):
        annotator(prepare(make_conformed(["Good lamp.", "Nice case."])))


def test_rows_that_are_not_to_be_read_get_nothing_but_their_status(
    prepare: Preparer, annotator: Annotator
) -> None:
    prepared = prepare(make_conformed(["", "Sehr gut.", None], language=["en", "de", None]))
    made = annotator(prepared)
    assert made.schema == MADE_SCHEMA
    assert made["status"].to_pylist() == ["empty", "unsupported_language", "empty"]
    assert made["polarity"].null_count == made["summary"].null_count == 3


def test_a_table_without_rows_has_the_same_columns(prepare: Preparer, annotator: Annotator) -> None:
    made = annotator(prepare(make_conformed([])))
    assert made.schema == MADE_SCHEMA
    assert made.num_rows == 0


def test_another_digest_than_the_expected_one_is_refused(checkpoint: Path) -> None:
    with pytest.raises(CheckpointError, match="expected 00"):
        Annotator(checkpoint, expected_digest="00", device="cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_asked_for_and_cannot_be_used_is_an_error_and_auto_takes_the_cpu(
    checkpoint: Path,
) -> None:
    with pytest.raises(
        ReviewmineError, match=r"torch \S+, built for .*, finds no GPU that it can use; .*driver"
    ):
        Annotator(checkpoint, device="cuda")
    assert Annotator(checkpoint, device="auto").device == "cpu"


@pytest.mark.gpu
def test_a_gpu_answers_as_a_cpu_does_within_its_precision(checkpoint: Path, prepare: Preparer) -> None:
    prepared = prepare(make_conformed(BODIES))
    on_cpu, on_gpu = (Annotator(checkpoint, device=device)(prepared) for device in ("cpu", "cuda"))
    for name in ("polarity_negative", "polarity_positive", "intensity"):
        expected, found = (made[name].drop_null().to_numpy() for made in (on_cpu, on_gpu))
        np.testing.assert_allclose(found, expected, atol=0.02)


def test_a_checkpoint_without_both_heads_of_the_annotations_is_refused(tmp_path: Path) -> None:
    mood = ClassificationSpec(labels=("glad", "sad"))
    checkpoint = make_checkpoint(tmp_path, heads={"mood": mood, "polarity": OPINION_HEADS["polarity"]})
    with pytest.raises(
        CheckpointError, match="no head called intensity, found mood, polarity; annotations need"
    ):
        Annotator(checkpoint, device="cpu")


def test_other_heads_of_a_checkpoint_change_nothing_of_the_annotations(tmp_path: Path) -> None:
    heads = {**OPINION_HEADS, "terms": TokensSpec(labels=("term",)), "mood": MultilabelSpec(labels=("glad",))}
    several, alone = make_checkpoint(tmp_path / "a", heads=heads), make_checkpoint(tmp_path / "b")
    reviews = make_conformed(["The lamp is great.", "The cable was awful and the zip is poor. It is broken."])
    made, expected = (
        Annotator(checkpoint, device="cpu")(Preparer(checkpoint)(reviews)).drop_columns("model_version")
        for checkpoint in (several, alone)
    )
    assert made.equals(expected)
