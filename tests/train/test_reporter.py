from pathlib import Path

from reviewmine.train.reporter import AloneReporter


def test_alone_a_run_says_a_line_per_report_and_remembers_the_last_checkpoint(tmp_path: Path) -> None:
    lines: list[str] = []
    reporter = AloneReporter(lines.append)
    reporter.report({"step": 3, "polarity_loss": 0.5}, tmp_path)
    assert lines == ["step 3  polarity_loss 0.5"]
    assert reporter.checkpoint == tmp_path
