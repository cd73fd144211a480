"""The run file of `reviewmine train`: everything that a training run is told, checked before anything is read."""

from typing import Literal

from pydantic import Field, model_validator

from reviewmine.config import RunModel, suggestion
from reviewmine.evaluation.judge import brief_names, elsewhere
from reviewmine.examples.labelled import ExamplesSettings
from reviewmine.model.batching import TRAINING_ROUND_TO, padded_width
from reviewmine.model.head_specs import ClassificationSpec, Pooling
from reviewmine.model.tuning_spec import AllocatedAdapter, LowRankAdapter, Tuning
from reviewmine.train.continuing import Continuing
from reviewmine.train.settings import LoopSettings
from reviewmine.train.tasks import Tasks, opinion_tasks, spec_of


class BackboneChoice(RunModel):
    """The backbone of a run: `builtin:minilm-l6`, a path, or a hub id with its revision."""

    name: str = "builtin:minilm-l6"
    revision: str | None = None


class VocabularySettings(RunModel):
    """Units of Chinese or Japanese that the backbone cannot read, learnt from training texts; see model.vocabulary."""

    sets: tuple[str, ...] = ()
    """The sets whose texts they are learnt from; none means all."""
    units: int = Field(default=8000, ge=1)
    min_count: int = Field(default=8, ge=1)
    start: Literal["noise", "leaning"] = "noise"
    """Where their rows start: near the mean row, or from there to the side their texts lean to; see train.leaning."""
    learning_rate: float = Field(default=3e-3, gt=0)


class TrainingRun(RunModel):
    """The run file of `reviewmine train`."""

    name: str
    seed: int = 7
    languages: tuple[str, ...] = ("en",)
    max_tokens: int = Field(default=256, ge=16)
    pooling: Pooling = "mean"
    dropout: bool = False
    """Whether the backbone's own dropout is on while it is trained; that of heads is `head_dropout` and their own."""
    head_dropout: float = Field(default=0.0, ge=0, lt=1)
    heads: Tasks = Field(default_factory=opinion_tasks)
    prior_strength: float = Field(default=1.0, ge=0, le=1)
    """How far class shares count: 1 as in an archive, 0 not at all; see calibrate.assumed_shares."""
    backbone: BackboneChoice = BackboneChoice()
    continuing: Continuing | None = None
    """The checkpoint to go on from, in place of a backbone."""
    vocabulary: VocabularySettings | None = None
    tuning: Tuning = LowRankAdapter()
    examples: ExamplesSettings
    loop: LoopSettings = LoopSettings()

    @model_validator(mode="after")
    def _a_step_holds_the_longest_example(self) -> "TrainingRun":
        if self.loop.budget_tokens < padded_width(self.max_tokens, TRAINING_ROUND_TO):
            raise ValueError(
                f"loop.budget_tokens {self.loop.budget_tokens} is less than one example of max_tokens "
                f"{self.max_tokens}; raise the one or lower the other"
            )
        return self

    @model_validator(mode="after")
    def _starts_at_one_place(self) -> "TrainingRun":
        if self.continuing is not None and self.backbone != BackboneChoice():
            raise ValueError(
                "continuing goes on with the backbone of its checkpoint: take [backbone] out, or [continuing]"
            )
        return self

    @model_validator(mode="after")
    def _units_are_learnt_from_sets_that_are_there(self) -> "TrainingRun":
        if self.vocabulary is None:
            return self
        named = [one.name for one in self.examples.sets]
        if unknown := sorted(set(self.vocabulary.sets) - set(named)):
            raise ValueError(
                f"vocabulary.sets: no set is called '{unknown[0]}'; there are {', '.join(named)}"
            )
        if self.vocabulary.start == "leaning" and not isinstance(
            self.heads.get("polarity"), ClassificationSpec
        ):
            raise ValueError(
                "vocabulary.start leaning goes by labels of a head 'polarity' of classes; add it, or start = 'noise'"
            )
        return self

    @model_validator(mode="after")
    def _ranks_are_not_cut_among_workers(self) -> "TrainingRun":
        if isinstance(self.tuning, AllocatedAdapter) and self.loop.parallel == "fsdp":
            raise ValueError(
                "tuning adalora cuts ranks of whole tensors, and loop.parallel fsdp cuts those up: use ddp"
            )
        return self

    @model_validator(mode="after")
    def _best_metric_is_one_that_validation_gives(self) -> "TrainingRun":
        metric, known = self.loop.best_metric, self.metrics
        if metric is not None and metric not in known:
            raise ValueError(
                f"loop.best_metric: validation gives no '{metric}' of these heads; {suggestion(metric, known)}"
            )
        return self

    @property
    def metrics(self) -> list[str]:
        """The figures that validation may give of the heads of the run, `elsewhere_` those in other languages."""
        names = brief_names({name: spec_of(task) for name, task in self.heads.items()})
        return [*names, *(elsewhere(name) for name in names)]

    @model_validator(mode="after")
    def _sets_label_heads_that_are_there(self) -> "TrainingRun":
        for one in self.examples.sets:
            if unknown := sorted(one.labels.keys() - self.heads.keys()):
                raise ValueError(
                    f"examples.sets {one.name}: labels for '{unknown[0]}', but the heads of the run are "
                    f"{', '.join(self.heads)}; add [heads.{unknown[0]}] or take the labels out"
                )
        if self.continuing is not None:
            return self  # what is replayed may label the others
        for head in self.heads:
            if not any(one.labels_head(head) for one in self.examples.sets):
                raise ValueError(
                    f"heads.{head}: no set has labels of it; name its column under `labels` of a set "
                    "(polarity and intensity also come from `columns.rating`), or take the head out"
                )
        return self
