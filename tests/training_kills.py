"""Training through the command line, killed with -9 at seeded steps, and what it ends with."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from processes import descendants
from tiny import make_backbone, write_reviews

Victim = Literal["worker", "driver"]
WORKER_TITLE: Final = "ray::RayTrainWorker"
_LIMIT_S: Final = 600
_RUN: Final = """\
name = "killed"
seed = {seed}
max_tokens = 48
dropout = true
backbone = {{ name = "{backbone}" }}
tuning = {{ kind = "lora", rank = 8 }}

[loop]
epochs = 14
budget_tokens = 512
learning_rate = 1e-2
head_learning_rate = 1e-2
report_steps = 4
checkpoint_steps = 30
best_metric = "polarity_macro_f1"
average = "ema"
ema_decay = 0.95

[examples]
validation_share = 0.3

[[examples.sets]]
name = "made"
path = "reviews.parquet"
licence = "CC0"
natural = true
columns = {{ body = "text", title = "title", rating = "stars", language = "lang" }}
"""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What a run came to: macro-F1 and intensity error on validation, and the steps at which attempts began."""

    macro_f1: float
    intensity_mae: float
    first_steps: tuple[int, ...]


def train_through(kills: Sequence[Victim], root: Path, *, seed: int) -> Ended:
    """Train in `root`, killing each of `kills` at a seeded step; after a driver's death, train on under its run id."""
    command = train_command(root, storage=str(root / "runs"), seed=seed)
    chance = random.Random(seed)
    moments = [chance.randrange(12 + 60 * number, 50 + 60 * number) for number in range(len(kills))]
    waiting = list(zip(kills, moments, strict=True))
    log = root / "runs" / "killed" / "log"
    while True:
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True) as driver:
            while waiting and (victim := waiting.pop(0)):
                _kill(driver, *victim, log)
                if victim[0] == "driver":
                    break
            code = driver.wait(_LIMIT_S)
        if code != -signal.SIGKILL:
            break
    if code:
        raise RuntimeError(f"training ended with exit code {code}")
    told = json.loads((root / "checkpoint" / "metrics.json").read_text())["validation"]
    first_steps = sorted(int(path.stem.rsplit("-", 1)[1]) for path in log.iterdir())
    return Ended(
        macro_f1=told["polarity"]["macro_f1"],
        intensity_mae=told["intensity"]["mae"],
        first_steps=tuple(first_steps),
    )


def train_command(root: Path, *, storage: str, seed: int = 7) -> list[str]:
    """The command that trains the run `killed` in `storage`; all else that it needs is made in `root`."""
    root.mkdir(parents=True)
    sets = write_reviews(root / "sets", 250, seed=seed)
    run = root / "run.toml"
    run.write_text(_RUN.format(seed=seed, backbone=make_backbone(root / "backbone")))
    options = {
        "--run": str(run),
        "--examples-root": str(sets),
        "--checkpoint": str(root / "checkpoint"),
        "--storage": storage,
        "--run-id": "killed",
    }
    return [sys.executable, "-m", "reviewmine", "train", *(one for pair in options.items() for one in pair)]


def _kill(driver: "subprocess.Popen[bytes]", victim: Victim, step: int, log: Path) -> None:
    """Kill the victim as soon as the log says that `step` is taken."""
    deadline = time.monotonic() + _LIMIT_S
    while _last_step(log) < step:
        if driver.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"step {step} was not reached, exit code {driver.returncode}")
        time.sleep(0.01)
    os.kill(driver.pid if victim == "driver" else next(descendants(driver.pid, WORKER_TITLE)), signal.SIGKILL)


def _last_step(log: Path) -> int:
    """The step of the last line of the attempt that began last; 0 if there is none."""
    attempts = sorted(log.iterdir(), key=lambda path: path.stat().st_mtime) if log.is_dir() else []
    said = re.findall(r"^step (\d+) ", attempts[-1].read_text(), re.MULTILINE) if attempts else []
    return int(said[-1]) if said else 0
