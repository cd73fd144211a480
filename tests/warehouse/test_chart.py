from pathlib import Path

from matplotlib.image import imread
from rich.console import Console

from reviewmine.warehouse.chart import COLOURS, save_png, terminal_chart
from reviewmine.warehouse.polarity import PartitionPolarity


def partition(label: str, negative: int, neutral: int, positive: int) -> PartitionPolarity:
    return PartitionPolarity(
        label=label,
        num_rows=negative + neutral + positive + 1,
        num_by_polarity={"negative": negative, "neutral": neutral, "positive": positive},
        mean_intensity=0.25,
    )


def printed(*partitions: PartitionPolarity) -> list[str]:
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        console.print(terminal_chart(partitions))
    return capture.get().splitlines()


def num_pixels(path: Path) -> dict[str, int]:
    """How many pixels of the picture are of the colour of each polarity."""
    pixels = (imread(path)[:, :, :3] * 255).round().astype(int)
    wanted = {
        polarity: [int(colour[n : n + 2], 16) for n in (1, 3, 5)] for polarity, colour in COLOURS.items()
    }
    return {polarity: int((pixels == colour).all(axis=2).sum()) for polarity, colour in wanted.items()}


def test_a_line_says_how_many_reviews_and_what_shares() -> None:
    _, line = printed(partition("2024-01-31", 250, 250, 500))
    assert line.split()[:2] == ["2024-01-31", "1,000"]
    assert line.split()[-4:] == ["25%", "25%", "50%", "0.25"]


def test_a_bar_is_full_and_tells_polarities_apart_without_colours() -> None:
    for counts in ((1, 1, 1), (1, 0, 6), (0, 0, 1), (13, 7, 80)):
        bar = printed(partition("2024-01-31", *counts))[1].split()[2]
        assert len(bar) == 32
        assert [glyph in bar for glyph in "█░▒"] == [count > 0 for count in counts]


def test_the_chart_fits_a_terminal_of_80_columns() -> None:
    lines = printed(partition("2024-01-01", 0, 0, 123_456), partition("2024-01-02", 1, 5, 9))
    assert [len(line) for line in lines] == [80, 80, 80]
    assert [line.split()[0] for line in lines] == ["partition", "2024-01-01", "2024-01-02"]
    assert "…" not in "".join(lines)


def test_a_partition_without_opinions_shows_no_shares() -> None:
    line = printed(partition("2024-01-31", 0, 0, 0))[1]
    assert line.split() == ["2024-01-31", "0", "-", "-", "-", "-"]


def test_the_png_shows_each_polarity_by_its_share(tmp_path: Path) -> None:
    path = tmp_path / "chart.png"
    save_png(
        [partition("2024-01-31", 1, 0, 3), partition("2024-02-01", 0, 0, 0)],
        path,
        title="Polarity",
        axis="dt",
    )
    found = num_pixels(path)
    assert 2.5 < found["positive"] / found["negative"] < 3.5
    # The legend names a polarity that has no bar.
    assert 0 < found["neutral"] < found["negative"] / 20


def test_a_png_of_many_partitions_stays_printable(tmp_path: Path) -> None:
    path = tmp_path / "chart.png"
    save_png([partition(f"2024-{n:03d}", 1, 1, 1) for n in range(200)], path, title="Polarity", axis="day")
    assert imread(path).shape[1] == 24 * 150
