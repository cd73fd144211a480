import pytest
from pydantic import ValidationError

from reviewmine.train.settings import LoopSettings


def test_patience_without_a_figure_to_wait_for_is_refused():
    with pytest.raises(ValidationError, match=r"loop\.best_metric"):
        LoopSettings(patience=2)


def test_compiling_and_pushing_embeddings_are_refused_together():
    with pytest.raises(ValidationError, match="do not go together"):
        LoopSettings(compile=True, adversarial=1.0)


def test_errors_are_better_when_they_are_lower_and_all_else_when_it_is_higher():
    assert LoopSettings(best_metric="intensity_mae").is_better(0.1, than=0.2)
    assert LoopSettings(best_metric="polarity_macro_f1").is_better(0.2, than=0.1)
