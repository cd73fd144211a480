from pathlib import Path

from reviewmine.train.reporter import AloneReporter


def test_alone_a_run_says_a_line_each_time_and_remembers_the_last_checkpoint(tmp_path: Path) -> None:
    lines: list[str] = []
    reporter = AloneReporter(lines.append)
    figures = {
        "step": 12345,
        "polarity_loss": 0.54321,
        "tokens_per_s": 2345.67,
        "peak_share": 0.4321,
        "left_s": 3723.4,
    }
    reporter.report(figures, tmp_path)
    reporter.note({"step": 12346})
    assert lines == [
        "step 12,345  polarity_loss 0.5432  tokens_per_s 2,346  peak_share 43.2%  left 1:02:03",
        "step 12,346",
    ]
    assert reporter.checkpoint == tmp_path
