"""How a backbone may be tuned: which of its weights training changes, or what it adds to them.

`Tuning` is what a run file asks for; `AdapterSpec`, its half that adds weights of its own, is also part of a spec.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

_LINEAR_LAYERS = ("query", "key", "value", "dense")


class TuningModel(BaseModel):
    """The root of every way to tune: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LowRankAdapter(TuningModel):
    """W + (alpha / rank) B A on every linear layer whose name ends in one of `targets`.

    `lora` (Hu et al., ICLR 2022) learns the sum alone, `dora` (Liu et al., ICML 2024) the length of each column of it
    as well.
    """

    kind: Literal["lora", "dora"] = "lora"
    rank: int = Field(default=16, ge=1)
    alpha: float = Field(default=32.0, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: tuple[str, ...] = _LINEAR_LAYERS


class AllocatedAdapter(TuningModel):
    """AdaLoRA: W + (alpha / rank) P diag(E) Q; singular values E that matter least are cut (Zhang et al., ICLR 2023).

    Every layer starts with `initial_rank` of them; after `warm_share` of the steps they are cut until, `settle_share`
    before the end, `rank` are left on average. `orthogonality` weighs the penalty that keeps P and Q orthonormal.
    """

    kind: Literal["adalora"]
    rank: int = Field(default=8, ge=1)
    initial_rank: int = Field(default=12, ge=1)
    alpha: float = Field(default=32.0, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    warm_share: float = Field(default=0.1, ge=0, lt=1)
    settle_share: float = Field(default=0.4, ge=0, lt=1)
    orthogonality: float = Field(default=0.1, ge=0)
    targets: tuple[str, ...] = _LINEAR_LAYERS

    @model_validator(mode="after")
    def _cuts_down(self) -> "AllocatedAdapter":
        if self.initial_rank <= self.rank:
            raise ValueError(
                f"initial_rank {self.initial_rank} is not above rank {self.rank}: there is nothing to cut"
            )
        if self.warm_share + self.settle_share >= 1:
            raise ValueError(
                "warm_share and settle_share leave no steps to cut in: their sum must stay below 1"
            )
        return self


class ScalingAdapter(TuningModel):
    """A learned factor per channel of keys, values and feed-forward inputs (IA3: Liu et al., NeurIPS 2022).

    `feedforward` names those of `targets` whose input is scaled; of the others it is the output.
    """

    kind: Literal["ia3"]
    targets: tuple[str, ...] = ("key", "value", "output.dense")
    feedforward: tuple[str, ...] = ("output.dense",)

    @model_validator(mode="after")
    def _feedforward_is_a_target(self) -> "ScalingAdapter":
        if missing := set(self.feedforward) - set(self.targets):
            raise ValueError(
                f"feedforward {', '.join(sorted(missing))} is not among targets {', '.join(self.targets)}"
            )
        return self


class PrefixAdapter(TuningModel):
    """`num_tokens` learned keys and values before those of every layer (Li and Liang, ACL 2021); never merged."""

    kind: Literal["prefix"]
    num_tokens: int = Field(default=16, ge=1)


AdapterSpec = Annotated[
    LowRankAdapter | AllocatedAdapter | ScalingAdapter | PrefixAdapter, Field(discriminator="kind")
]


class FullTuning(TuningModel):
    """Every weight is trained; the rate of a layer is `layer_decay` times that of the layer above it."""

    kind: Literal["full"]
    layer_decay: float = Field(default=1.0, gt=0, le=1)


class TopLayersTuning(TuningModel):
    """The upper `layers` of the backbone are trained, and what lies above them; rates decay as in full tuning."""

    kind: Literal["top_layers"]
    layers: int = Field(ge=1)
    layer_decay: float = Field(default=1.0, gt=0, le=1)


class HeadsTuning(TuningModel):
    """The backbone stays as it is; heads alone are trained."""

    kind: Literal["heads"]


Tuning = Annotated[
    LowRankAdapter
    | AllocatedAdapter
    | ScalingAdapter
    | PrefixAdapter
    | FullTuning
    | TopLayersTuning
    | HeadsTuning,
    Field(discriminator="kind"),
]


def adapter_of(tuning: Tuning) -> AdapterSpec | None:
    """The adapter that a way to tune adds; None where it changes the backbone's own weights or none."""
    return None if isinstance(tuning, FullTuning | TopLayersTuning | HeadsTuning) else tuning


def told(adapter: AdapterSpec) -> str:
    """An adapter as half a sentence of a model card."""
    match adapter:
        case LowRankAdapter(kind=kind, rank=rank, alpha=alpha, targets=targets):
            name = {"lora": "LoRA", "dora": "DoRA"}[kind]
            return f"a {name} adapter (rank {rank}, alpha {alpha:g}, on {', '.join(targets)})"
        case AllocatedAdapter(rank=rank, initial_rank=initial, targets=targets):
            return f"an AdaLoRA adapter (rank {initial} cut to {rank} on average, on {', '.join(targets)})"
        case ScalingAdapter(targets=targets):
            return f"an IA3 adapter (on {', '.join(targets)})"
        case PrefixAdapter(num_tokens=num_tokens):
            return f"a prefix of {num_tokens} learned keys and values in every layer"
