"""A backbone small enough to train in a test, and labelled reviews it can learn from."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from reviewmine.train.run_file import TrainingRun

THINGS = ("battery", "screen", "case", "cable", "sound", "lamp", "chair", "kettle", "strap", "zip")
WORDS = {
    1: ("awful", "broken", "useless"),
    2: ("poor", "weak", "flimsy"),
    3: ("okay", "average", "plain"),
    4: ("good", "nice", "solid"),
    5: ("great", "superb", "perfect"),
}
PLAIN = ("the", "is", "and", "it", "was", "very", "for", "me", ".", "!", ",")
WIDTH = 32


def make_tokenizer() -> PreTrainedTokenizerFast:
    """A lower-casing tokenizer of whole words with BERT's special tokens; words it does not know are letters."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)] + list("0123456789")
    known = [
        *special,
        *THINGS,
        *sum(WORDS.values(), ()),
        *PLAIN,
        *letters,
        *(f"##{letter}" for letter in letters),
    ]
    vocabulary = {word: number for number, word in enumerate(known)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = dict(zip(("pad", "unk", "cls", "sep", "mask"), special, strict=True))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **{f"{name}_token": word for name, word in names.items()}
    )


def make_backbone(directory: Path, *, seed: int = 0) -> Path:
    """Save a random two-layer encoder and its tokenizer in `directory`."""
    tokenizer = make_tokenizer()
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory


def make_reviews(rows: int, *, seed: int = 0) -> pa.Table:
    """Labelled reviews whose stars follow from their words: columns title, text, stars, lang."""
    rng = np.random.default_rng(seed)
    stars = rng.choice([1, 2, 3, 4, 5], size=rows, p=[0.15, 0.1, 0.15, 0.2, 0.4])
    bodies, titles = [], []
    for number, star in enumerate(stars):
        things = rng.choice(THINGS, size=2, replace=False)
        words = rng.choice(WORDS[int(star)], size=2)
        bodies.append(
            f"The {things[0]} is {words[0]} and the {things[1]} was very {words[1]}. It is {number}."
        )
        titles.append(f"{words[1]} {things[0]}" if rng.random() < 0.5 else None)
    return pa.table(
        {
            "title": pa.array(titles, pa.string()),
            "text": pa.array(bodies, pa.string()),
            "stars": pa.array(stars, pa.int8()),
            "lang": pa.array(["en"] * rows, pa.string()),
        }
    )


def write_reviews(root: Path, rows: int = 400, *, seed: int = 0) -> Path:
    """Write `make_reviews` as the set `reviews.parquet` under `root`."""
    root.mkdir(parents=True, exist_ok=True)
    pq.write_table(make_reviews(rows, seed=seed), root / "reviews.parquet")
    return root


def make_run(backbone: Path) -> TrainingRun:
    """A short run on the set of `write_reviews`."""
    return TrainingRun.model_validate(
        {
            "name": "tiny-en",
            "max_tokens": 64,
            "backbone": {"name": str(backbone)},
            "tuning": {"kind": "lora", "rank": 8},
            "loop": {"epochs": 5, "budget_tokens": 512, "learning_rate": 1e-2, "head_learning_rate": 1e-2},
            "examples": {
                "validation_share": 0.2,
                "sets": [
                    {
                        "name": "own",
                        "path": "reviews.parquet",
                        "licence": "CC0",
                        "natural": True,
                        "columns": {"body": "text", "title": "title", "rating": "stars", "language": "lang"},
                    }
                ],
            },
        }
    )
