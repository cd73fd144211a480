"""The annotator: from prepared reviews to the columns that a model makes, one encoder pass for all of them.

A Ray actor holds one of these and tests call it directly; there is nothing of Ray in it.
"""

import socket
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from reviewmine.annotate.distinct import DistinctReviews, distinct_reviews
from reviewmine.annotate.isolate import NOT_THE_REVIEWS_FAULT, isolated
from reviewmine.annotate.rows import MADE_SCHEMA, model_columns
from reviewmine.annotate.sentence_vectors import sentence_means
from reviewmine.annotate.word_leanings import WordLeanings
from reviewmine.contract.annotations import MODEL_SCHEMA, unannotated
from reviewmine.errors import ReviewmineError
from reviewmine.labels import ANNOTATED_STATUSES
from reviewmine.model.batching import padded, token_budget_batches
from reviewmine.model.checkpoint import load_checkpoint
from reviewmine.model.device import DEVICE_TROUBLE, best_device, set_threads, tokens_per_pass
from reviewmine.model.extractive import worth
from reviewmine.model.head_specs import OPINION_HEADS, pooling_of
from reviewmine.model.heads import decode
from reviewmine.model.inspect import require_opinion_heads
from reviewmine.model.summarizer import Summary, summarize
from reviewmine.text.sentences import Span


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the network says of one review: its logits by head, and its summary."""

    logits: dict[str, NDArray[np.float32]]
    summary: Summary


class Annotator:
    """Annotates prepared reviews with one checkpoint on one device."""

    def __init__(
        self,
        checkpoint: str | Path,
        *,
        expected_digest: str | None = None,
        device: torch.device | str = "auto",
        tokens_per_batch: int | None = None,
        num_threads: int | None = None,
    ) -> None:
        """Load the checkpoint directory.

        Args:
            device: where the network runs; `auto` is the first GPU if there is one, else the CPU.
            tokens_per_batch: upper bound of the tokens in one pass of the network, padding counted; None leaves it
                to the device.
            num_threads: CPU threads for torch; None leaves them as they are.

        Raises:
            CheckpointError: the checkpoint cannot be trusted or understood, has another digest, or no head for polarity
                or intensity.
            ReviewmineError: a GPU is asked for, and torch can use none here.
        """
        if num_threads is not None:
            set_threads(num_threads)
        self._device = best_device() if device == "auto" else torch.device(device)
        _require_usable(self._device)
        self._checkpoint = load_checkpoint(checkpoint, expected_digest=expected_digest, device=self._device)
        require_opinion_heads(self._checkpoint.spec, where=str(checkpoint))
        self.network = self._checkpoint.network
        self._tokens_per_batch = (
            tokens_per_pass(self._device) if tokens_per_batch is None else tokens_per_batch
        )
        self._leanings = WordLeanings(self._checkpoint, self._device)

    @property
    def model_version(self) -> str:
        """The digest of the checkpoint."""
        return self._checkpoint.digest

    @property
    def device(self) -> str:
        """What the network runs on: the name of the GPU, or `cpu`."""
        return torch.cuda.get_device_name(self._device) if self._device.type == "cuda" else self._device.type

    def __call__(self, prepared: pa.Table, failed_rows: Set[int] = frozenset()) -> pa.Table:
        """What the model makes of prepared reviews [rows]: MADE_SCHEMA [rows], in the same order.

        Equal reviews, and reviews that clean to the same tokens, go through the network once. A review on which
        the stage raises, or of which the network makes no number, is `failed` and costs no other review anything.

        Args:
            failed_rows: source rows that crashed a worker: they come out as `failed`, the network never sees them.

        Raises:
            Exception: the stage fails for all reviews, or for very many; see `isolated`.
        """
        reviews = distinct_reviews(prepared, failed_rows)
        answers = self._answers(reviews)
        place = np.full(len(reviews) + 1, len(answers), np.int64)
        place[list(answers)] = np.arange(len(answers))
        of_row = place[reviews.of_row]
        columns = pa.concat_tables([self._columns(list(answers.values())), unannotated(1, "failed")])
        made = columns.take(pa.array(of_row)).drop_columns("status")
        status = _statuses(prepared, of_row < len(answers), failed_rows)
        model_version = pa.repeat(pa.scalar(self.model_version), prepared.num_rows)
        made = made.append_column("status", status).append_column("model_version", model_version)
        return made.cast(MADE_SCHEMA)

    def _answers(self, reviews: DistinctReviews) -> dict[int, _Answer]:
        """The answer for each of R reviews by its number; those that failed have none."""
        answers: dict[int, _Answer] = {}

        def read(numbers: Sequence[int]) -> None:
            answers.update(zip(numbers, self._read(reviews, numbers), strict=True))

        lengths = np.array([len(ids) for ids in reviews.sequences], np.int64)
        batches = token_budget_batches(lengths, budget_tokens=self._tokens_per_batch)
        isolated(
            read,
            (reviews.with_sequences(batch) for batch in batches),
            not_caught=(*NOT_THE_REVIEWS_FAULT, *DEVICE_TROUBLE),
        )
        return answers

    @torch.inference_mode()
    def _read(self, reviews: DistinctReviews, numbers: Sequence[int]) -> list[_Answer]:
        """The answers for the reviews of these numbers [N], in one pass of the network."""
        sequences, batch_row = np.unique(reviews.sequence[list(numbers)], return_inverse=True)
        token_ids, mask = padded([reviews.sequences[number] for number in sequences], self._checkpoint.pad_id)
        output = self.network(self._tensor(token_ids), self._tensor(mask))
        logits = {name: output.logits[name].float().cpu().numpy() for name in OPINION_HEADS}
        if not all(np.isfinite(values).all() for values in logits.values()):
            raise FloatingPointError("the network answers with what is no number")
        sentences = [reviews.sentences[number] for number in numbers]
        num_sentences = [len(ranges) for ranges in sentences]
        first, last = np.concatenate(sentences)[:, 2:].T
        vectors = sentence_means(
            output.token_states,
            self._tensor(np.repeat(batch_row, num_sentences)),
            self._tensor(first),
            self._tensor(last),
        )
        ends = np.cumsum(num_sentences)[:-1]
        of_reviews = self._polarities(output.logits["polarity"])[batch_row]
        of_sentences = self._sentence_polarities(vectors)
        leanings = self._leanings.of(
            token_ids
        )  # of all reviews at once: new words cost few passes of their own
        readings = zip(
            numbers,
            of_reviews,
            leanings[batch_row],
            np.split(vectors.cpu().numpy(), ends),
            [None] * len(numbers) if of_sentences is None else np.split(of_sentences, ends),
            strict=True,
        )
        summaries = [self._summary(reviews, *reading) for reading in readings]
        return [
            _Answer({name: values[row] for name, values in logits.items()}, summary)
            for row, summary in zip(batch_row, summaries, strict=True)
        ]

    def _summary(
        self,
        reviews: DistinctReviews,
        number: int,
        polarities: NDArray[np.float32],
        leanings: NDArray[np.float32],
        vectors: NDArray[np.float32],
        sentence_polarities: NDArray[np.float32] | None,
    ) -> Summary:
        """The summary of a review of S sentences: probabilities [3], leanings [T], vectors [S, H] and [S, 3]."""
        ranges = reviews.sentences[number]
        spans = [Span(*span) for span in ranges[:, :2].tolist()]
        speaks_for = worth(polarities, sentence_polarities, leanings, ranges[:, 2], ranges[:, 3])
        return summarize(reviews.bodies[number], spans, vectors, speaks_for)

    def _polarities(self, logits: Tensor) -> NDArray[np.float32]:
        """Calibrated probabilities [B, 3] of polarity logits [B, 3]."""
        return decode(logits, self._checkpoint.spec.heads["polarity"]).cpu().numpy()

    def _sentence_polarities(self, vectors: Tensor) -> NDArray[np.float32] | None:
        """The polarities [S, 3] of sentence vectors [S, H], or None if these are not what the head was trained on."""
        spec = self._checkpoint.spec
        if pooling_of(spec.heads["polarity"], spec.pooling) != "mean":
            return None
        head = self._checkpoint.network.heads["polarity"]
        return self._polarities(head(vectors.to(head.output.weight.dtype)))

    def _columns(self, answers: Sequence[_Answer]) -> pa.Table:
        """MODEL_SCHEMA for the reviews of these answers [N], calibrated."""
        if not answers:
            return MODEL_SCHEMA.empty_table()
        logits = {
            name: torch.from_numpy(np.stack([answer.logits[name] for answer in answers]))
            for name in answers[0].logits
        }
        decoded = self._checkpoint.decode(logits)
        return model_columns(
            decoded["polarity"],
            decoded["intensity"],
            [answer.summary for answer in answers],
            cuts=self._checkpoint.spec.intensity_cuts,
        )

    def _tensor(self, numbers: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(numbers).to(self._device)


def _statuses(prepared: pa.Table, is_answered: NDArray[np.bool_], failed_rows: Set[int]) -> pa.Array:
    """The status of each row [rows]: that of preparing, unless the row was to be annotated and could not be."""
    columns = zip(
        prepared["status"].to_pylist(), prepared["source_row"].to_pylist(), is_answered, strict=True
    )
    return pa.array(
        [
            "failed"
            if source_row in failed_rows or (status in ANNOTATED_STATUSES and not answered)
            else status
            for status, source_row, answered in columns
        ],
        pa.string(),
    )


def _require_usable(device: torch.device) -> None:
    """Raises ReviewmineError for a CUDA device where there is none: never is a GPU's work left to a CPU in silence."""
    if device.type != "cuda" or torch.cuda.is_available():
        return
    built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPUs alone"
    raise ReviewmineError(
        f"{socket.gethostname()}: torch {torch.__version__}, built for {built}, finds no GPU that it can use; expected "
        'one for the device cuda; update the driver of the node or change its image, or set device = "cpu" under [pool]'
    )
