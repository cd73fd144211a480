from made_answers import make_answers

from reviewmine.evaluation.readings import LONGEST_QUOTE, changed_rows, quoted, worst_errors

NAN = float("nan")


def test_the_most_confident_wrong_answers_come_first_and_rows_without_label_never() -> None:
    answers = make_answers([0, 0, 2, NAN, 1], [2, 0, 0, 0, 2], confidence=[0.6, 0.99, 0.8, 0.99, 0.7])
    worst = worst_errors(answers, "polarity", limit=2)
    assert [(one.truth, one.found, round(one.probability, 2)) for one in worst] == [
        ("positive", "negative", 0.8),
        ("neutral", "positive", 0.7),
    ]
    assert worst[0].rating == 5


def test_changed_rows_are_those_that_one_of_the_two_tells_right() -> None:
    here = make_answers([0, 0, 2, 2, NAN], [0, 2, 2, 1, 0])
    there = make_answers([0, 0, 2, 2, NAN], [2, 0, 2, 0, 1])
    improved, worsened = changed_rows(here, there, "polarity")
    assert [(one.body, one.before, one.found) for one in improved] == [
        ("It is number 0.", "positive", "negative")
    ]
    assert [one.body for one in worsened] == ["It is number 1."]
    assert changed_rows(there, here, "polarity")[0][0].body == "It is number 1."


def test_quotes_are_masked_before_they_are_cut_and_control_nothing() -> None:
    assert quoted("Write to anna@example.org\n\x00now\u202e!") == "Write to [mail] now!"
    long = quoted("word " * 200 + "anna@example.org")
    assert len(long) <= LONGEST_QUOTE
    assert long.endswith("word…")
    assert "anna" not in quoted("x" * (LONGEST_QUOTE - 8) + " anna@example.org")
    assert quoted(None) == ""
