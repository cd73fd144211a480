import numpy as np
import torch
from tiny import make_reviews, make_tokenizer

from reviewmine.contract.examples import ExampleColumns, conform
from reviewmine.examples.encoded import EncodedExamples, encode_examples
from reviewmine.model.batching import TRAINING_ROUND_TO
from reviewmine.text.encode import TextEncoder
from reviewmine.train.collate import EpochBatches

COLUMNS = ExampleColumns(body="text", title="title", rating="stars")


def encoded(rows: int = 60, *, seed: int = 0) -> EncodedExamples:
    encoder = TextEncoder(make_tokenizer().backend_tokenizer, max_tokens=64)
    return encode_examples(conform(make_reviews(rows, seed=seed), COLUMNS, where="here"), encoder, pad_id=0)


def batches(examples: EncodedExamples, **values: int) -> EpochBatches:
    settings = {"budget_tokens": 256, "seed": 3, "epoch": 0} | values
    return EpochBatches(examples, title_drop=0.3, **settings)


def test_every_example_is_in_one_batch_of_an_epoch_and_padding_stays_inside_the_budget() -> None:
    examples = encoded()
    epoch = batches(examples)
    rows = [row for step in epoch for batch in step for row in batch.rows]
    assert sorted(rows) == list(range(len(examples)))
    for (batch,) in epoch:
        assert batch.token_ids.numel() <= 256
        assert batch.token_ids.shape[1] % TRAINING_ROUND_TO == 0
        assert batch.num_tokens == int(batch.attention_mask.sum())
        assert (batch.token_ids[batch.attention_mask == 0] == 0).all()


def test_workers_share_the_steps_of_one_worker_and_count_labels_over_all() -> None:
    examples = encoded()
    alone = batches(examples)
    shares = [batches(examples, rank=rank, world_size=2) for rank in range(2)]
    assert len(alone) == len(shares[0]) == len(shares[1])
    for step in range(len(alone)):
        (whole,), parts = alone[step], [share[step][0] for share in shares]
        assert [part.num_labels for part in parts] == [whole.num_labels] * 2
        assert sum(int(part.labelled["polarity"].sum()) for part in parts) == whole.num_labels["polarity"]
        rows = sorted(row.tolist() for part in parts for row in part.labels["polarity"])
        if len(whole.token_ids) > 1:
            assert rows == sorted(row.tolist() for row in whole.labels["polarity"])


def test_a_worker_without_a_row_gets_one_without_labels() -> None:
    examples = encoded(1)
    (batch,) = batches(examples, rank=1, world_size=2)[0]
    assert batch.token_ids.shape[0] == 1
    assert not batch.labelled["polarity"].any()
    assert batch.num_labels["polarity"] == 1


def test_the_plan_of_an_epoch_follows_from_seed_and_epoch_alone() -> None:
    examples = encoded()
    first, again, later = batches(examples), batches(examples), batches(examples, epoch=1)
    steps = range(min(len(first), len(later)))
    assert all(torch.equal(first[step][0].token_ids, again[step][0].token_ids) for step in steps)
    assert any(first[step][0].rows.tolist() != later[step][0].rows.tolist() for step in steps)


def test_titles_are_left_out_for_about_the_share_that_was_asked_for() -> None:
    examples = encoded(400)
    with_titles = sum(len(ids) for ids in examples.with_title)
    read = sum(batch.num_tokens for (batch,) in batches(examples))
    bare = sum(len(ids) for ids in examples.without_title)
    assert 0.2 < (with_titles - read) / (with_titles - bare) < 0.4


def test_a_worker_without_a_row_has_no_label_of_any_kind_of_head() -> None:
    ids = [np.array([2, 9, 3], np.int32)]
    labels = {
        "mood": np.array([1], np.float32),
        "topics": np.array([[0, 1]], np.float32),
        "terms": np.array([[np.nan, 1, np.nan]], np.float32),
    }
    examples = EncodedExamples(with_title=ids, without_title=ids, labels=labels, pad_id=0)
    first, second = (batches(examples, rank=rank, world_size=2)[0][0] for rank in range(2))
    for batch in (first, second):
        assert batch.num_labels == {"mood": 1, "topics": 2, "terms": 1}
        assert {name: tuple(values.shape) for name, values in batch.labels.items()} == {
            "mood": (1,),
            "topics": (1, 2),
            "terms": (1, 3),
        }
    assert not any(labelled.any() for labelled in second.labelled.values())
    assert first.labelled["terms"].tolist() == [[False, True, False]]


def test_passes_hold_what_a_worker_may_hold_and_together_make_the_same_steps() -> None:
    examples = encoded()
    alone = batches(examples)
    shares = [batches(examples, micro_tokens=64, rank=rank, world_size=2) for rank in range(2)]
    for step in range(len(alone)):
        (whole,), parts = alone[step], [share[step] for share in shares]
        assert len(parts[0]) == len(parts[1])
        read = [batch for part in parts for batch in part]
        assert all(batch.token_ids.numel() <= 64 for batch in read)
        assert all(batch.num_labels == whole.num_labels for batch in read)
        labelled = [row for batch in read for row in batch.rows[batch.labelled["polarity"].numpy()]]
        assert sorted(labelled) == sorted(whole.rows)
    assert max(len(shares[0][step]) for step in range(len(alone))) > 1


def test_a_batch_read_twice_holds_every_row_and_label_two_times() -> None:
    (batch,) = batches(encoded())[0]
    twice = batch.twice()
    one, other = twice.token_ids.chunk(2)
    assert torch.equal(one, other)
    assert twice.num_labels == {name: 2 * count for name, count in batch.num_labels.items()}
    assert twice.rows.tolist() == batch.rows.tolist() * 2
