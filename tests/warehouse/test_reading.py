from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from reviewmine.warehouse.reading import KINDS, example_lines, rows_worth_reading

Rows = Callable[..., dict[str, Any]]
WriteTable = Callable[[dict[str, list[dict[str, Any]]]], Path]


def found(table: Path) -> dict[str, dict[str, Any]]:
    return {example.why: example.row for example in rows_worth_reading(str(table))}


def test_the_strongest_opinions_of_all_files_are_shown(write_table: WriteTable, opinion: Rows) -> None:
    long = "This is a summary of more than forty-five characters: number {}."
    table = write_table(
        {
            f"dt=2024-01-0{day}/a.parquet": [
                opinion(polarity, intensity=day / 10, summary=long.format(f"{day}{polarity}"))
                for polarity in ("negative", "positive")
            ]
            for day in range(1, 6)
        }
    )
    examples = found(table)
    assert examples["the strongest complaint"]["summary"] == long.format("5negative")
    assert examples["the strongest praise"]["summary"] == long.format("5positive")
    assert examples["a complaint, but a mild one"]["summary"] == long.format("1negative")


def test_every_kind_finds_its_row(write_table: WriteTable, opinion: Rows, silence: Rows) -> None:
    masked = opinion("positive", summary="Write to [mail].")
    chosen = opinion("positive", summary="Chosen.", summary_method="extractive")
    rows = [
        opinion("negative", intensity=0.9, summary=f"Bad from the first day to the last, number {n}.")
        for n in range(3)
    ]
    rows += [
        opinion("positive"),
        opinion("neutral"),
        masked,
        chosen,
        silence("unsupported_language", language="zh"),
    ]
    examples = found(write_table({"dt=2024-01-31/a.parquet": rows}))
    assert set(examples) == {kind.why for kind in KINDS}
    assert examples["personal data masked"]["summary"] == "Write to [mail]."
    assert examples["a long review in one or two sentences"]["summary"] == "Chosen."
    assert examples["a language that the checkpoint was not trained for"]["language"] == "zh"


def test_chinese_is_preferred_among_the_unsupported(write_table: WriteTable, silence: Rows) -> None:
    rows = [silence("unsupported_language", language=language) for language in ("de", "zh", "fr")]
    (row,) = found(write_table({"dt=2024-01-31/a.parquet": rows})).values()
    assert row["language"] == "zh"


def test_no_row_and_no_summary_is_shown_twice(write_table: WriteTable, opinion: Rows) -> None:
    rows = [opinion("negative", intensity=0.9), opinion("negative", intensity=0.8)]
    assert len(found(write_table({"dt=2024-01-31/a.parquet": rows}))) == 1


def test_the_same_table_always_shows_the_same_rows(write_table: WriteTable, opinion: Rows) -> None:
    rows = [
        opinion("positive", summary=f"All of these rows are equally intense, number {n:02d}.")
        for n in range(40)
    ]
    table = write_table({"dt=2024-01-31/b.parquet": rows, "dt=2024-01-31/a.parquet": rows})
    strongest = found(table)["the strongest praise"]
    assert (strongest["source_file"], strongest["source_row"]) == ("dt=2024-01-31/a.parquet", 0)


def test_a_table_without_rows_has_none_worth_reading(write_table: WriteTable) -> None:
    assert found(write_table({"dt=2024-01-31/a.parquet": []})) == {}


def test_an_example_says_what_is_claimed_and_where_the_review_is(
    write_table: WriteTable, opinion: Rows, silence: Rows
) -> None:
    rows = [
        opinion("negative", summary="The [bold]lid[/bold] broke and nobody answered my letters."),
        silence("empty"),
    ]
    rows.append(silence("unsupported_language", language="zh", reviewed_at=None))
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(example_lines(rows_worth_reading(str(write_table({"dt=2024-01-31/a.parquet": rows})))))
    text = capture.get()
    assert "the strongest complaint  negative, medium (0.50)" in text
    assert "“The [bold]lid[/bold] broke and nobody answered my letters.”" in text
    assert "p1, 2024-01-31, r (dt=2024-01-31/a.parquet, row 0); summary verbatim" in text
    assert "unsupported_language: zh" in text
    assert "p1, r (dt=2024-01-31/a.parquet, row 2)" in text
