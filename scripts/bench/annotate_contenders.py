"""Contenders: each reads all rows once, in its own way; all of them run encoders of one size."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from annotate_measures import Machine
from annotate_reviews import BenchReviews
from transformers import AutoTokenizer, BertForSequenceClassification, PreTrainedModel, pipeline

from reviewmine.annotate.annotator import Annotator
from reviewmine.annotate.distinct import distinct_reviews
from reviewmine.annotate.prepare import Preparer
from reviewmine.model.backbone import BUILTIN_MINILM, locate
from reviewmine.model.batching import padded, token_budget_batches
from reviewmine.model.checkpoint import load_checkpoint
from reviewmine.model.device import tokens_per_pass
from reviewmine.model.inspect import builtin_checkpoint
from reviewmine.model.peak import seconds

MAX_TOKENS = 256
BATCH_SIZES = (1, 8, 16, 64)
TRIAL_ROWS = 200
HOW_TO_INSTALL = "its package is missing: pip install -c constraints.txt -e '.[bench]' in the checkout"


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One way to read the rows."""

    name: str
    how: str
    """Its batches, for a person."""
    dtype: torch.dtype
    encoder: PreTrainedModel
    """The Hugging Face model in it, which is given its tokens by name."""
    read: Callable[[], object]
    """Reads all rows once."""


def make_contender(name: str, reviews: BenchReviews, machine: Machine, *, seed: int) -> Contender | None:
    """The contender called `name`, ready to read; None if the package that it needs is not installed."""
    if name == "reviewmine":
        return _reviewmine(name, reviews, machine)
    if name == "reviewmine without summary":
        return _without_summary(name, reviews, machine)
    if name == "reviewmine encoder":
        return _encoder(name, reviews, machine)
    if name == "pipeline fp32 64":
        return _pipeline(name, reviews, machine, torch.float32, batch_size=64, seed=seed)
    if name == "pipeline bf16 best":
        return _pipeline(name, reviews, machine, machine.bf16, batch_size=None, seed=seed)
    if importlib.util.find_spec("sentence_transformers") is None:
        return None
    return _sentence_transformers(name, reviews, machine)


def _reviewmine(name: str, reviews: BenchReviews, machine: Machine) -> Contender:
    """The whole way of a fragment between reading and writing: clean, encode, annotate, calibrate, summarise."""
    prepare = Preparer(builtin_checkpoint(), annotate_unsupported=True)
    annotator = Annotator(builtin_checkpoint(), device=machine.device)
    return Contender(
        name=name,
        how="token budget, sorted",
        dtype=machine.bf16,
        encoder=annotator.network.backbone,
        read=lambda: annotator(prepare(reviews.conformed)),
    )


def _without_summary(name: str, reviews: BenchReviews, machine: Machine) -> Contender:
    """The work that the others do: clean, encode, batch, one pass of the network, calibrated numbers."""
    prepare = Preparer(builtin_checkpoint(), annotate_unsupported=True)
    checkpoint = load_checkpoint(builtin_checkpoint(), device=machine.device)

    @torch.inference_mode()
    def read() -> None:
        for batch in _batches(prepare(reviews.conformed), checkpoint.pad_id, machine):
            checkpoint.decode(checkpoint.network(*batch).logits)

    return Contender(
        name=name,
        how="token budget, sorted",
        dtype=machine.bf16,
        encoder=checkpoint.network.backbone,
        read=read,
    )


def _encoder(name: str, reviews: BenchReviews, machine: Machine) -> Contender:
    """The network alone, over batches that are made before the clock starts."""
    checkpoint = load_checkpoint(builtin_checkpoint(), device=machine.device)
    prepared = Preparer(builtin_checkpoint(), annotate_unsupported=True)(reviews.conformed)
    on_device = _batches(prepared, checkpoint.pad_id, machine)

    @torch.inference_mode()
    def read() -> None:
        for token_ids, mask in on_device:
            checkpoint.network(token_ids, mask)

    return Contender(
        name=name,
        how="token budget, sorted",
        dtype=machine.bf16,
        encoder=checkpoint.network.backbone,
        read=read,
    )


def _batches(prepared: pa.Table, pad_id: int, machine: Machine) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Token ids and masks of the distinct reviews, in the batches that the annotator makes, on the device."""
    sequences = distinct_reviews(prepared).sequences
    lengths = np.array([len(ids) for ids in sequences], np.int64)
    on_device = []
    for batch in token_budget_batches(lengths, budget_tokens=tokens_per_pass(machine.device)):
        token_ids, mask = padded([sequences[number] for number in batch], pad_id)
        on_device.append(
            (torch.from_numpy(token_ids).to(machine.device), torch.from_numpy(mask).to(machine.device))
        )
    return on_device


def _pipeline(
    name: str,
    reviews: BenchReviews,
    machine: Machine,
    dtype: torch.dtype,
    *,
    batch_size: int | None,
    seed: int,
) -> Contender:
    """A pipeline of the same encoder with three labels, over the rows in their order.

    Args:
        batch_size: None for the quickest of BATCH_SIZES on the first TRIAL_ROWS rows, each tried twice: the first time
            kernels are built.
        seed: of the weights of the three labels, which nobody trained.
    """
    torch.manual_seed(seed)
    folder = locate(BUILTIN_MINILM)
    model = BertForSequenceClassification.from_pretrained(folder, num_labels=3, dtype=dtype)
    classify = pipeline(
        "text-classification",
        model=model,
        tokenizer=AutoTokenizer.from_pretrained(folder),
        device=machine.device,
    )

    def read(texts: list[str], size: int) -> Any:
        return classify(texts, truncation=True, max_length=MAX_TOKENS, batch_size=size)

    how = f"batches of {batch_size}, as given"
    if batch_size is None:
        texts = reviews.texts[:TRIAL_ROWS]
        took = {
            size: min(seconds(partial(read, texts, size), machine.device) for _ in range(2))
            for size in BATCH_SIZES
        }
        batch_size = min(took, key=lambda size: took[size])
        how = f"batches of {batch_size}, the best of {', '.join(map(str, BATCH_SIZES))}, as given"
    return Contender(
        name=name,
        how=how,
        dtype=dtype,
        encoder=classify.model,
        read=partial(read, reviews.texts, batch_size),
    )


def _sentence_transformers(name: str, reviews: BenchReviews, machine: Machine) -> Contender:
    """sentence-transformers' `encode`, which sorts by length of text, on the same encoder."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    transformer = Transformer(
        str(locate(BUILTIN_MINILM)), max_seq_length=MAX_TOKENS, model_kwargs={"dtype": machine.bf16}
    )
    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")
    model = SentenceTransformer(modules=[transformer, pooling], device=str(machine.device))
    return Contender(
        name=name,
        how="batches of 32, sorted",
        dtype=machine.bf16,
        encoder=next(module for module in model.modules() if isinstance(module, PreTrainedModel)),
        read=lambda: model.encode(reviews.texts, batch_size=32, show_progress_bar=False),
    )
