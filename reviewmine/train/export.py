"""Exports: a checkpoint as a plain Hugging Face directory, for programs that know nothing of reviewmine.

An export answers as the network does, and loses what reviewmine does around it: texts are not cleaned, titles not
put before bodies, languages not told apart, nothing is summarized or masked, and no digest says what it is.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import torch
from jinja2 import Environment, PackageLoader, StrictUndefined
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from reviewmine.config import suggestion
from reviewmine.errors import CheckpointError, UsageError
from reviewmine.model.adapter import is_mergeable
from reviewmine.model.backbone import load_tokenizer
from reviewmine.model.checkpoint import HEADS_FILE, Checkpoint, load_checkpoint, refuse_filled
from reviewmine.model.head_specs import ClassificationSpec, pooling_of
from reviewmine.model.heads import OrdinalHead

README_FILE: Final = "README.md"
_HEADS_OF: Final[Mapping[str, tuple[str, str, str]]] = {
    "bert": ("bert.pooler.dense", "classifier", "tanh"),
    "roberta": ("classifier.dense", "classifier.out_proj", "tanh"),
    "xlm-roberta": ("classifier.dense", "classifier.out_proj", "tanh"),
    "camembert": ("classifier.dense", "classifier.out_proj", "tanh"),
    "electra": ("classifier.dense", "classifier.out_proj", "halves"),
    "distilbert": ("pre_classifier", "classifier", "halves"),
}
"""Of transformers' classifiers, by model type: two layers on the first token's state, and what lies between them."""
_STRAIGHT: Final = 2.0**-12
"""Logits times this are so near zero that tanh leaves them as they are, to one part in 10,000 up to 70."""


def export_checkpoint(source: Path, directory: Path, *, head: str | None = None) -> str:
    """Write the checkpoint `source` into the new folder `directory` for transformers alone; what was written, in words.

    Always: the encoder, its adapter merged, with its tokenizer, for `AutoModel`; every head as a matrix and a bias in
    heads.safetensors; and a README.md whose code makes the answers of all heads, calibrated, of them.

    With `head`, the name of a head of classes that reads the first token's state (pooling cls), the weights are those
    of the architecture's own classifier, for `AutoModelForSequenceClassification` and `pipeline`. Its calibration is
    in them: a softmax of its logits are the head's calibrated probabilities. No architecture of transformers
    classifies by the mean of tokens, so other heads have none.

    Raises CheckpointError for an adapter that cannot be merged and for a folder that is not empty, UsageError for a
    `head` that cannot be had so.
    """
    refuse_filled(directory)
    loaded = load_checkpoint(source, dtype=torch.float32)
    if loaded.spec.adapter is not None and not is_mergeable(loaded.spec.adapter):
        raise CheckpointError(
            f"{source}: a {loaded.spec.adapter.kind} adapter stays beside the encoder, which transformers alone cannot "
            "run; train with another way of tuning to export"
        )
    encoder = cast(PreTrainedModel, loaded.network.backbone)
    model = encoder if head is None else _classifier(loaded, encoder, head)
    model.save_pretrained(directory)
    tokenizer = load_tokenizer(source)
    tokenizer.model_max_length = loaded.spec.max_tokens
    tokenizer.save_pretrained(directory)
    save_file(_matrices(loaded), directory / HEADS_FILE)
    (directory / README_FILE).write_text(_readme(loaded, head), encoding="utf-8")
    classes = "AutoModel" if head is None else "AutoModel, AutoModelForSequenceClassification"
    return f"{classes}; {HEADS_FILE} with {', '.join(loaded.spec.heads)}; {README_FILE} with code"


def _matrices(loaded: Checkpoint) -> dict[str, Tensor]:
    """NAME.weight [C, H] and NAME.bias [C] of each head: its logits are states times the one plus the other."""
    found = {}
    for name, head in loaded.network.heads.items():
        weight: Tensor = head.output.weight
        bias: Tensor = head.output.bias
        if isinstance(head, OrdinalHead):
            bias = -head.thresholds()
            weight = weight.expand(len(bias), -1)
        found[f"{name}.weight"] = weight.detach().float().contiguous()
        found[f"{name}.bias"] = bias.detach().float().contiguous()
    return found


def _classifier(loaded: Checkpoint, encoder: PreTrainedModel, name: str) -> PreTrainedModel:
    """The architecture's own classifier, with the weights of the encoder and of the head called `name`."""
    spec = loaded.spec.heads.get(name)
    if spec is None:
        raise UsageError(f"--head {name}: there is no such head; {suggestion(name, loaded.spec.heads)}")
    if not isinstance(spec, ClassificationSpec):
        raise UsageError(f"--head {name}: kind {spec.kind}, expected classification; export without --head")
    kind = encoder.config.model_type
    if pooling_of(spec, loaded.spec.pooling) != "cls" or kind not in _HEADS_OF:
        raise UsageError(
            f"--head {name}: pooling {pooling_of(spec, loaded.spec.pooling)} on a {kind}; transformers classifies "
            f"by pooling cls on {', '.join(_HEADS_OF)}; export without --head, and use the code of the {README_FILE}"
        )
    config = type(encoder.config).from_dict(
        {
            **encoder.config.to_dict(),
            "id2label": dict(enumerate(spec.labels)),
            "label2id": {label: number for number, label in enumerate(spec.labels)},
            "problem_type": "single_label_classification",
        }
    )
    model = cast(PreTrainedModel, AutoModelForSequenceClassification.from_config(config))
    left = model.base_model.load_state_dict(encoder.state_dict(), strict=False)
    if left.unexpected_keys:
        raise CheckpointError(f"--head {name}: {kind} has no place for {left.unexpected_keys[0]}")
    matrices = _matrices(loaded)
    calibration = spec.calibration
    shift = torch.tensor(calibration.log_shift or [0.0] * len(spec.labels))
    _fill(
        model,
        matrices[f"{name}.weight"] / calibration.temperature,
        matrices[f"{name}.bias"] / calibration.temperature + shift,
    )
    return model


def _fill(model: PreTrainedModel, weight: Tensor, bias: Tensor) -> None:
    """Make the two layers of a classifier, and what lies between them, give states [B, H] times weight plus bias.

    Between them lies tanh, which is straight near zero; or a function of which f(x) - f(-x) = x, as of ReLU and GELU.
    """
    first_name, second_name, between = _HEADS_OF[model.config.model_type]
    first = cast(nn.Linear, model.get_submodule(first_name))
    second = cast(nn.Linear, model.get_submodule(second_name))
    num_classes, width = weight.shape
    if between == "halves" and 2 * num_classes > width:
        raise UsageError(
            f"{num_classes} classes do not fit a classifier of width {width}; export without --head"
        )
    with torch.no_grad():
        for layer in (first, second):
            layer.weight.zero_()
            layer.bias.zero_()
        if between == "tanh":
            first.weight[:num_classes] = weight * _STRAIGHT
            first.bias[:num_classes] = bias * _STRAIGHT
            second.weight[:, :num_classes] = torch.eye(num_classes) / _STRAIGHT
        else:
            first.weight[: 2 * num_classes] = torch.cat([weight, -weight])
            first.bias[: 2 * num_classes] = torch.cat([bias, -bias])
            second.weight[:, : 2 * num_classes] = torch.eye(num_classes).repeat(1, 2) * torch.tensor(
                [1.0] * num_classes + [-1.0] * num_classes
            )


def _readme(loaded: Checkpoint, head: str | None) -> str:
    environment = Environment(
        loader=PackageLoader("reviewmine.train"),
        autoescape=False,  # Markdown and code; words of a checkpoint go in as JSON
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["json"] = json.dumps
    heads: dict[str, Any] = {
        name: {"spec": spec, "pooling": pooling_of(spec, loaded.spec.pooling)}
        for name, spec in loaded.spec.heads.items()
    }
    return environment.get_template("export.md").render(
        spec=loaded.spec, digest=loaded.digest, heads=heads, classifier=head
    )
