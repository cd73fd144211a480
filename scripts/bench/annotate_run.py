"""One run of the bench: what is measured when, and in which order."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
import transformers
from annotate_agreement import agreement
from annotate_contenders import HOW_TO_INSTALL, Contender, make_contender
from annotate_measures import Machine, counted, rotated, this_machine
from annotate_report import report
from annotate_results import Measured, Passage, Results
from annotate_reviews import BenchReviews, bench_reviews

from reviewmine.model.device import best_device, set_threads
from reviewmine.model.peak import matrix_peak, seconds


def run(
    *,
    names: Sequence[str],
    examples: Path | None,
    num_rows: int,
    num_repeats: int,
    num_threads: int,
    seed: int,
    with_ray: bool,
    as_json: bool,
) -> None:
    """Measure as asked and print to standard output; how far it is goes to standard error."""
    set_threads(num_threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    machine = this_machine(best_device(), num_threads=num_threads)
    reviews = bench_reviews(examples, num_rows=num_rows, seed=seed)
    made: dict[str, Contender | None] = {}
    for name in names:
        _tell(f"making ready: {name}")
        made[name] = make_contender(name, reviews, machine, seed=seed)
    missing = {name: HOW_TO_INSTALL for name, contender in made.items() if contender is None}
    contenders, peaks = _interleaved(
        [contender for contender in made.values() if contender], reviews, machine, num_repeats=num_repeats
    )
    made.clear()
    results = Results(
        machine=machine,
        origin=reviews.origin,
        is_made=examples is None,
        num_rows=len(reviews),
        num_repeats=num_repeats,
        contenders=contenders,
        missing=missing,
        peaks=peaks,
        agreement=agreement(reviews, machine),
        passages=_passages(reviews, num_threads=num_threads) if with_ray else [],
    )
    print(json.dumps(results.as_json(), indent=2) if as_json else "\n".join(report(results)))


def _interleaved(
    contenders: list[Contender], reviews: BenchReviews, machine: Machine, *, num_repeats: int
) -> tuple[list[Measured], dict[torch.dtype, float]]:
    """Each contender twice without a clock, where its tokens are counted, then once in each repeat; and the peaks.

    The peak is measured anew in each repeat, since machines that are shared change their pace, and the best counts.
    """
    measured = {contender.name: _counted(contender, reviews) for contender in contenders}
    reads = {contender.name: contender.read for contender in contenders}
    formats = dict.fromkeys((torch.float32, machine.bf16))
    peaks = dict.fromkeys(formats, 0.0)
    for repeat in range(num_repeats):
        for dtype in formats:
            peaks[dtype] = max(peaks[dtype], matrix_peak(machine.device, dtype))
        for name in rotated(list(measured), repeat):
            took = seconds(reads[name], machine.device)
            measured[name].seconds.append(took)
            _tell(f"repeat {repeat + 1} of {num_repeats}: {name}: {took:.1f} s")
    return list(measured.values()), peaks


def _counted(contender: Contender, reviews: BenchReviews) -> Measured:
    """Two passes of a contender that are not timed.

    In the first, kernels are built for its shapes, and the annotator learns how the words that it meets lean, which it
    does once in its life; in the second, its tokens are counted.
    """
    _tell(f"first passes: {contender.name}")
    contender.read()
    with counted(contender.encoder) as tokens:
        contender.read()
    return Measured(
        name=contender.name,
        how=contender.how,
        dtype=contender.dtype,
        tokens=tokens,
        flop_per_token=tokens.flop_per_token(contender.encoder.config),
        num_rows=len(reviews),
    )


def _passages(reviews: BenchReviews, *, num_threads: int) -> list[Passage]:
    """The passages through Ray, which is imported only for them: that takes seconds."""
    from annotate_through_ray import through_ray

    return [*through_ray(reviews, num_threads=num_threads, tell=_tell)]


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
