"""The command behind scripts/bench/annotate: what to measure, on which rows and on which cores."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

CONTENDERS = (
    "reviewmine",
    "reviewmine without summary",
    "reviewmine encoder",
    "pipeline fp32 64",
    "pipeline bf16 best",
    "sentence-transformers bf16",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code. Nothing that counts its threads is imported before the cores are settled."""
    given = _parser().parse_args(arguments)
    cores = sorted(os.sched_getaffinity(0))[: given.threads]
    os.sched_setaffinity(0, cores)
    os.environ["HF_HUB_OFFLINE"] = "1"

    from annotate_run import run

    from reviewmine.errors import ReviewmineError

    try:
        run(
            names=given.contenders,
            examples=given.examples,
            num_rows=given.rows,
            num_repeats=given.repeats,
            num_threads=len(cores),
            seed=given.seed,
            with_ray=not given.without_ray,
            as_json=given.json,
        )
    except ReviewmineError as error:
        print(f"bench/annotate: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bench/annotate",
        description="Annotating side by side with others on the same rows and cores: each repeat runs every contender "
        "once, in an order that turns from repeat to repeat, after one pass of each that is not timed.",
    )
    parser.add_argument(
        "--examples",
        type=Path,
        metavar="PATH",
        help="a Parquet file with `body` and `title` (default: made reviews)",
    )
    parser.add_argument("--rows", type=_positive, default=1200, metavar="N", help="default: 1200")
    parser.add_argument("--repeats", type=_positive, default=5, metavar="N", help="default: 5")
    parser.add_argument(
        "--threads",
        type=_threads,
        default=len(os.sched_getaffinity(0)),
        metavar="N",
        help="as many cores and threads for everybody (default: all cores that this command may use)",
    )
    parser.add_argument("--seed", type=int, default=7, metavar="N", help="of the choice of rows (default: 7)")
    parser.add_argument(
        "--contenders",
        type=_contenders,
        default=CONTENDERS,
        metavar="NAME,...",
        help=f"some of: {', '.join(CONTENDERS)} (default: all)",
    )
    parser.add_argument(
        "--without-ray", action="store_true", help="leave out the way from Parquet to Parquet"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number}: expected 1 or more")
    return number


def _threads(text: str) -> int:
    number, available = _positive(text), len(os.sched_getaffinity(0))
    if number > available:
        raise argparse.ArgumentTypeError(f"{number}: this command may use {available} cores")
    return number


def _contenders(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    unknown = [name for name in names if name not in CONTENDERS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r}: expected some of {', '.join(CONTENDERS)}")
    return tuple(name for name in CONTENDERS if name in names)


if __name__ == "__main__":
    sys.exit(main())
