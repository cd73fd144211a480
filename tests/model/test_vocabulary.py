from pathlib import Path

import pytest
import torch
from tiny import make_backbone

from reviewmine.errors import CheckpointError
from reviewmine.model.backbone import load_backbone
from reviewmine.model.vocabulary import (
    ExtendedEmbedding,
    add_units,
    added_to,
    fold_rows,
    learn_units,
    load_rows,
    save_rows,
)

TEXTS = ["酒店不错,房间很大", "酒店很好 good lamp", "这家酒店不错", "酒店"] * 5
UNITS = ["酒店", "不错", "酒", "房"]


def test_units_are_characters_and_their_frequent_runs_and_no_latin() -> None:
    units = learn_units(TEXTS, 40, min_count=5)
    assert {"酒店", "不错", "酒", "间"} <= set(units)
    assert not any(character.isascii() for unit in units for character in unit)
    assert learn_units(TEXTS, 12) == learn_units(TEXTS, 12)


def test_no_more_units_are_learnt_than_asked_for_the_most_frequent_characters_first() -> None:
    assert set(learn_units(TEXTS, 2, min_count=5)) == {"酒", "店"}
    for num_units in (3, 7, 12):
        assert len(learn_units(TEXTS, num_units, min_count=5)) == num_units


def test_characters_that_are_rarer_than_asked_are_left_out_and_part_the_runs_that_they_stand_in() -> None:
    units = learn_units([*TEXTS, "酒髒店", "髒酒店"], 40, min_count=5)
    assert units == learn_units([*TEXTS, "酒", "店", "酒店"], 40, min_count=5)
    assert learn_units(["한국어 리뷰", "good lamp"], 40, min_count=1) == []


def test_text_of_the_old_script_is_read_as_before_and_the_new_one_by_its_longest_units(
    tmp_path: Path,
) -> None:
    plain, extended = (load_backbone(str(make_backbone(tmp_path))) for _ in range(2))
    first = len(plain.tokenizer)
    assert add_units(extended.model, extended.tokenizer, UNITS, seed=0) == 4
    for text in ("The battery is great!", "very superb, it was", "[SEP] lamp"):
        assert extended.tokenizer(text).input_ids == plain.tokenizer(text).input_ids
    units = extended.tokenizer("酒店不错酒", add_special_tokens=False).input_ids
    assert [number - first for number in units] == [0, 1, 2]


def test_known_rows_stay_and_added_rows_alone_are_trained(tmp_path: Path) -> None:
    backbone = load_backbone(str(make_backbone(tmp_path)))
    backbone.model.requires_grad_(False)
    before = backbone.model.get_input_embeddings().weight.clone()
    first = len(before)
    add_units(backbone.model, backbone.tokenizer, UNITS, seed=0)
    table = backbone.model.get_input_embeddings()
    assert isinstance(table, ExtendedEmbedding)
    rows = table(torch.tensor([[3, first + 1]]))
    torch.testing.assert_close(rows[0, 0], before[3])
    torch.testing.assert_close(rows[0, 1], table.added.weight[1])
    rows.sum().backward()
    assert table.known.weight.grad is None
    assert table.added.weight.grad is not None
    assert table.added.weight.grad.abs().sum(dim=1).gt(0).tolist() == [False, True, False, False]


def test_saved_and_loaded_rows_answer_as_one_table(tmp_path: Path) -> None:
    trained, fresh = (load_backbone(str(make_backbone(tmp_path))) for _ in range(2))
    add_units(trained.model, trained.tokenizer, UNITS, seed=0)
    save_rows(trained.model, tmp_path)
    load_rows(fresh.model, tmp_path)
    fold_rows(fresh.model)
    assert added_to(fresh.model) is None
    token_ids = torch.tensor([trained.tokenizer("酒店 is great 不错").input_ids])
    mask = torch.ones_like(token_ids)
    with torch.no_grad():
        ours, theirs = (
            one.model.eval()(input_ids=token_ids, attention_mask=mask).last_hidden_state
            for one in (trained, fresh)
        )
    torch.testing.assert_close(theirs, ours, atol=2e-3, rtol=0)
    assert fresh.model.config.vocab_size == len(trained.tokenizer)


def test_units_added_later_stand_behind_those_that_were_added_before(tmp_path: Path) -> None:
    backbone = load_backbone(str(make_backbone(tmp_path)))
    first = len(backbone.tokenizer)
    add_units(backbone.model, backbone.tokenizer, UNITS[:2], seed=0)
    extended = added_to(backbone.model)
    assert extended is not None
    before = extended.added.weight.detach().clone()
    assert add_units(backbone.model, backbone.tokenizer, UNITS, seed=1) == 2
    again = added_to(backbone.model)
    assert again is not None
    torch.testing.assert_close(again.added.weight[:2], before)
    assert backbone.tokenizer("酒店房", add_special_tokens=False).input_ids == [first, first + 3]
    assert again(torch.tensor([[first + 3]])).shape == (1, 1, before.shape[1])


def test_a_table_stays_as_it_is_where_every_unit_is_known(tmp_path: Path) -> None:
    backbone = load_backbone(str(make_backbone(tmp_path)))
    assert add_units(backbone.model, backbone.tokenizer, ["lamp"], seed=0) == 0
    assert added_to(backbone.model) is None


def test_a_table_with_rows_of_no_token_is_refused(tmp_path: Path) -> None:
    backbone = load_backbone(str(make_backbone(tmp_path)))
    backbone.model.resize_token_embeddings(len(backbone.tokenizer) + 8)
    with pytest.raises(
        CheckpointError, match=r"has \d+ rows, but its tokenizer \d+ tokens; .* cut the table"
    ):
        add_units(backbone.model, backbone.tokenizer, UNITS, seed=0)


def test_a_model_without_added_rows_is_folded_as_it_is(tmp_path: Path) -> None:
    backbone = load_backbone(str(make_backbone(tmp_path)))
    table = backbone.model.get_input_embeddings()
    fold_rows(backbone.model)
    assert backbone.model.get_input_embeddings() is table


def test_rows_of_another_width_are_refused(tmp_path: Path) -> None:
    backbone = load_backbone(str(make_backbone(tmp_path)))
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_rows(backbone.model, tmp_path)
    backbone.model.set_input_embeddings(
        ExtendedEmbedding(torch.nn.Embedding(5, 7), torch.zeros(2, 7))  # type: ignore[arg-type]
    )
    save_rows(backbone.model, tmp_path)
    with pytest.raises(CheckpointError, match="another backbone"):
        load_rows(load_backbone(str(make_backbone(tmp_path / "other"))).model, tmp_path)
