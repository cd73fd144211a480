"""Vocabulary: units added to a backbone's tokenizer and token embedding, for Chinese or Japanese that it cannot read.

Tokens that were there keep their numbers, their rows and their way to be found, so text without those units is read
as before. A unit is matched whole, the longest that fits first, before the tokenizer's own rules see the text.
"""

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer, models, trainers
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from reviewmine.errors import CheckpointError
from reviewmine.text.characters import IDEOGRAPH

VOCABULARY_FILE: Final = "vocabulary.safetensors"
LONGEST_UNIT: Final = 4
_ROWS: Final = "rows"
_RUN: Final = re.compile(f"{IDEOGRAPH}+")


class ExtendedEmbedding(nn.Module):
    """A token embedding of V rows that stay as they are, and of rows behind them that are trained."""

    def __init__(self, known: nn.Embedding, rows: Tensor) -> None:
        """`rows` [N, H] are those of the token numbers V to V + N - 1."""
        super().__init__()
        self.known = known
        self.added = nn.Embedding(len(rows), known.embedding_dim, _weight=rows.to(known.weight.dtype))

    def forward(self, token_ids: Tensor) -> Tensor:
        """Token ids [B, T] to rows [B, T, H]."""
        first_added = self.known.num_embeddings
        known: Tensor = self.known(token_ids.clamp(max=first_added - 1))
        added: Tensor = self.added((token_ids - first_added).clamp(min=0))
        return torch.where((token_ids >= first_added).unsqueeze(-1), added, known)


def learn_units(texts: Iterable[str], num_units: int, *, min_count: int = 5) -> list[str]:
    """The units that write the ideographs of `texts` shortest: characters and frequent runs of up to LONGEST_UNIT.

    Merged pair by pair, the most frequent first (byte-pair encoding: Sennrich et al., ACL 2016), over runs of
    ideographs alone; at most `num_units`, the most frequent characters before any run, each unit seen `min_count`
    times or more.
    """
    runs = list(_runs(texts))
    counts = Counter(character for run in runs for character in run)
    frequent = {character for character, count in counts.items() if count >= min_count}
    tokenizer = Tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=num_units,
        min_frequency=min_count,
        max_token_length=LONGEST_UNIT,
        limit_alphabet=num_units,
        show_progress=False,
    )
    tokenizer.train_from_iterator(_only_of(frequent, runs), trainer)
    units = tokenizer.get_vocab()
    return sorted(units, key=lambda unit: units[unit])


def add_units(
    model: nn.Module, tokenizer: PreTrainedTokenizerFast, units: Sequence[str], *, seed: int
) -> int:
    """Add those `units` that the tokenizer does not know as tokens of their own, and return how many were added.

    Their rows start as the mean row with a tenth of the spread of all rows around it, drawn from `seed`, and stand
    behind those that were added before. Raises CheckpointError if the table has rows that belong to no token: new
    tokens would be given their numbers.
    """
    known = tokenizer.get_vocab()
    extended = added_to(model)
    num_rows = _own_table(model).num_embeddings + (extended.added.num_embeddings if extended else 0)
    if num_rows != len(tokenizer):
        raise CheckpointError(
            f"vocabulary: the backbone's token embedding has {num_rows:,} rows, but its tokenizer {len(tokenizer):,} "
            "tokens; expected as many, so that the rows of new tokens stand behind them: cut the table, and save it"
        )
    new = [unit for unit in units if unit not in known]
    if not new:
        return 0
    tokenizer.add_tokens([AddedToken(unit, normalized=False) for unit in new])
    table = _own_table(model)
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(new), table.embedding_dim, generator=generator)
    rows = table.weight.detach().mean(dim=0) + 0.1 * table.weight.detach().std(dim=0) * noise
    before = extended.added.weight.detach() if extended else rows[:0]
    _put(model, ExtendedEmbedding(table, torch.cat([before, rows.to(before.dtype)])))
    return len(new)


def added_to(model: nn.Module) -> ExtendedEmbedding | None:
    """The token embedding of `model`, under an adapter or not, if rows were added to it."""
    return next((module for module in model.modules() if isinstance(module, ExtendedEmbedding)), None)


def save_rows(model: nn.Module, directory: Path) -> None:
    """Write the added rows of `model`, which has some, in half precision, into `directory`."""
    extended = added_to(model)
    assert extended is not None  # a spec that counts added tokens is written of a model that has them
    save_file({_ROWS: extended.added.weight.detach().cpu().half()}, directory / VOCABULARY_FILE)


def load_rows(model: nn.Module, directory: Path) -> None:
    """Put the rows that `save_rows` wrote in `directory` behind those of the model's token embedding.

    Raises CheckpointError if the file cannot be read or its rows are not as wide as the model's.
    """
    path = directory / VOCABULARY_FILE
    try:
        rows = load_file(path)[_ROWS]
    except (FileNotFoundError, SafetensorError, KeyError) as unreadable:
        raise CheckpointError(f"{path}: cannot be read: {unreadable}") from None
    table = _own_table(model)
    if rows.ndim != 2 or rows.shape[1] != table.embedding_dim:
        raise CheckpointError(
            f"{path}: rows are {tuple(rows.shape)}, expected [any, {table.embedding_dim}]; made of another backbone"
        )
    _put(model, ExtendedEmbedding(table, rows))


def fold_rows(model: nn.Module) -> None:
    """Make one table of the token embedding of `model` and the rows added to it, if there are any."""
    extended = added_to(model)
    if extended is None:
        return
    known, added = extended.known, extended.added
    whole = torch.cat([known.weight.detach(), added.weight.detach()])
    _put(model, nn.Embedding(len(whole), known.embedding_dim, known.padding_idx, _weight=whole))
    cast(Any, model).config.vocab_size = len(whole)


def _own_table(model: nn.Module) -> nn.Embedding:
    """The token embedding that the backbone came with."""
    extended = added_to(model)
    return extended.known if extended else cast(nn.Embedding, cast(Any, model).get_input_embeddings())


def _put(model: nn.Module, table: nn.Module) -> None:
    cast(Any, model).set_input_embeddings(table)


def _runs(texts: Iterable[str]) -> Iterator[str]:
    return (run for text in texts for run in _RUN.findall(text))


def _only_of(characters: Container[str], runs: Iterable[str]) -> Iterator[str]:
    """The runs of `runs` that some characters make, cut where another one stands."""
    return (
        "".join(part)
        for run in runs
        for is_known, part in groupby(run, key=characters.__contains__)
        if is_known
    )
