from pathlib import Path

from reviewmine.train.reporter import AloneReporter


def test_alone_a_run_says_a_line_per_report_and_remembers_the_last_checkpoint(tmp_path: Path) -> None:
    lines: list[str] = []
    reporter = AloneReporter(lines.append)
    reporter.report({"step": 12345, "polarity_loss": 0.54321, "tokens_per_s": 2345.67}, tmp_path)
    assert lines == ["step 12,345  polarity_loss 0.5432  tokens_per_s 2,346"]
    assert reporter.checkpoint == tmp_path
