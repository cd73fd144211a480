import pytest
import torch

from reviewmine.labels import POLARITIES
from reviewmine.model.backbone import BUILTIN_MINILM, load_backbone, load_tokenizer
from reviewmine.model.checkpoint import Checkpoint, load_checkpoint
from reviewmine.model.inspect import builtin_checkpoint, load_text_encoder
from reviewmine.model.spec import Spec, read_spec
from reviewmine.text.encode import TextEncoder


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return load_checkpoint(builtin_checkpoint())


def read(checkpoint: Checkpoint, *bodies: str) -> tuple[list[str], list[float]]:
    """The polarity and the intensity that the checkpoint gives each body."""
    labels: list[str] = []
    intensities: list[float] = []
    for encoded in checkpoint.encoder.encode([None] * len(bodies), bodies):
        ids = torch.tensor([encoded.token_ids])
        with torch.inference_mode():
            decoded = checkpoint.decode(checkpoint.network(ids, torch.ones_like(ids)).logits)
        labels.append(POLARITIES[int(decoded["polarity"][0].argmax())])
        intensities.append(float(decoded["intensity"][0]))
    return labels, intensities


def test_the_built_in_checkpoint_is_whole_and_small() -> None:
    directory = builtin_checkpoint()
    assert sum(path.stat().st_size for path in directory.rglob("*")) < 20_000_000
    assert (directory / "MODEL_CARD.md").is_file()
    assert (directory / "metrics.json").is_file()


def test_it_reads_english_and_chinese_and_names_where_it_comes_from() -> None:
    spec: Spec = read_spec(builtin_checkpoint())
    assert spec.languages == ("en", "zh")
    assert spec.backbone.name == "builtin:minilm-l6"
    assert all(one.licence and one.citation and one.rows for one in spec.training.sets)


def test_it_tells_praise_from_complaint(checkpoint: Checkpoint) -> None:
    labels, _ = read(
        checkpoint,
        "I love this kettle, it boils fast and looks beautiful. Best one I ever had.",
        "It stopped working after two days and nobody answered my letters. Waste of money.",
        "Not good at all.",
        "Works great, no complaints.",
    )
    assert labels == ["positive", "negative", "negative", "positive"]


def test_it_tells_praise_from_complaint_in_chinese(checkpoint: Checkpoint) -> None:
    labels, _ = read(
        checkpoint,
        "质量很好,物流也快,非常满意,下次还会再来买。",
        "用了两天就坏了,客服也不理人,太差了,千万别买。",
        "酒店房间很干净,服务热情,值得推荐。",
        "水果都烂了,根本没法吃,要求退货。",
    )
    assert labels == ["positive", "negative", "positive", "negative"]


def test_strong_words_are_more_intense_than_mild_ones(checkpoint: Checkpoint) -> None:
    _, (strong, mild) = read(
        checkpoint,
        "Absolutely amazing, the best headphones I have ever owned, I love them!",
        "It is okay, some parts are fine and some could be better.",
    )
    assert strong > mild + 0.2


def test_annotation_reads_the_token_ids_that_training_reads() -> None:
    """Training has its tokenizer from transformers, annotation from the checkpoint's own file."""
    trained = TextEncoder(load_tokenizer(builtin_checkpoint()).backend_tokenizer, max_tokens=256)
    bodies = ["It's GREAT!! 5/5 😀", "naïve café &amp; <b>co</b>", "[SEP] 很好 [PAD]", "word " * 400, ""]
    titles = [None, "Wörter", "", "A title", None]
    assert load_text_encoder(builtin_checkpoint()).encode(titles, bodies) == trained.encode(titles, bodies)


def test_english_is_read_as_its_backbone_reads_it() -> None:
    backbone = TextEncoder(load_backbone(BUILTIN_MINILM).tokenizer.backend_tokenizer, max_tokens=256)
    bodies = ["It's GREAT!! 5/5 😀", "naïve café &amp; <b>co</b>", "word " * 400, ""]
    titles = [None, "Wörter", "A title", None]
    assert load_text_encoder(builtin_checkpoint()).encode(titles, bodies) == backbone.encode(titles, bodies)
