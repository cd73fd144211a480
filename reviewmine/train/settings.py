"""The `[loop]` table of a run file: everything that decides how a network is trained, whoever runs the loop."""

from typing import Final, Literal

from pydantic import Field, model_validator

from reviewmine.config import RunModel

Tracker = Literal["tensorboard", "mlflow"]
_LOWER_IS_BETTER: Final = ("loss", "mae", "mse", "rmse", "ece")


def lower_is_better(metric: str) -> bool:
    """Whether a figure of this name is a loss or an error."""
    return metric.endswith(_LOWER_IS_BETTER)


class LoopSettings(RunModel):
    """How a network is trained; one step reads at most `budget_tokens`, padding included, over all workers.

    What a step is depends on the seed and on `budget_tokens` alone. `micro_tokens`, `precision`,
    `gradient_checkpointing`, `compile` and `parallel` change what it costs in memory and time, not what is learned.
    """

    epochs: int = Field(default=2, ge=1)
    budget_tokens: int = Field(default=2048, ge=64)
    micro_tokens: int | None = Field(default=None, ge=16)
    """The most padded tokens that a worker holds in one pass; a step that is larger is accumulated from several."""

    optimizer: Literal["adamw", "sgd"] = "adamw"
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Of sgd alone."""
    learning_rate: float = Field(default=8e-4, gt=0)
    head_learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    """On matrices; norms and biases are never decayed."""
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    warmup_share: float = Field(default=0.06, ge=0, lt=1)
    clip_norm: float = Field(default=1.0, gt=0)

    precision: Literal["fastest", "float32"] = "fastest"
    """`fastest` multiplies in bfloat16 where the device is fast at it; weights are float32 in either."""
    gradient_checkpointing: bool = False
    """States inside a layer are computed again on the way back: about a third more work, far less memory."""
    compile: bool = False
    parallel: Literal["ddp", "fsdp"] = "ddp"
    """`ddp` holds the whole network on every worker; `fsdp` cuts weights, gradients and optimizer among them."""

    adversarial: float = Field(default=0.0, ge=0)
    """Length, per review, of the step on its word embeddings that each batch is learned from once more; 0: none."""
    r_drop: float = Field(default=0.0, ge=0)
    """Weight of the disagreement between two passes with different dropout over each batch; 0: one pass."""
    average: Literal["none", "ema", "tail"] = "none"
    """Weights that are validated and kept: the last ones, their exponential mean, or their mean over the last steps."""
    ema_decay: float = Field(default=0.999, gt=0, lt=1)
    tail_share: float = Field(default=0.25, gt=0, le=1)
    """The share of all steps, counted from the last, that `tail` averages over."""

    best_metric: str | None = None
    """The figure of validation by which the best weights are kept; None keeps the last."""
    patience: int | None = Field(default=None, ge=1)
    """Stop after so many validations without a better `best_metric`."""
    validate_steps: int | None = Field(default=None, ge=1)
    """Validate each so many steps, beside the end of each epoch."""
    report_steps: int = Field(default=50, ge=1)
    """Steps between two lines of progress."""
    checkpoint_steps: int = Field(default=200, ge=1)
    """Steps between two checkpoints from which the loop resumes; every validation makes one as well."""
    trackers: tuple[Tracker, ...] = ("tensorboard",)
    """Where the figures of progress are drawn: in the run's directory, or where MLFLOW_TRACKING_URI says."""

    def is_better(self, value: float, than: float) -> bool:
        """Whether a value of `best_metric` is better: lower for losses and errors, higher for all else."""
        lower = self.best_metric is not None and lower_is_better(self.best_metric)
        return value < than if lower else value > than

    @model_validator(mode="after")
    def _fit_together(self) -> "LoopSettings":
        if self.patience is not None and self.best_metric is None:
            raise ValueError("loop.patience needs loop.best_metric, the figure that is to get better")
        if self.compile and self.adversarial:
            raise ValueError("loop.compile and loop.adversarial do not go together; leave one out")
        return self
