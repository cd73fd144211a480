"""Prints what training ends with, undisturbed and with a worker or the driver killed, for some seeds."""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from training_kills import Victim, train_through

KILLS: tuple[tuple[Victim, ...], ...] = ((), ("worker",), ("driver",), ("worker", "driver"))


def main() -> None:
    """One line per seed and kind of death: attempts by first step, and the figures of validation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=(1, 2, 3), help="(default: 1 2 3)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for seed in given.seeds:
            for kills in KILLS:
                name = " and ".join(kills) or "nobody"
                ended = train_through(kills, Path(folder) / f"{seed}-{name.replace(' ', '-')}", seed=seed)
                print(
                    f"seed {seed}, killed {name}: attempts from steps {', '.join(map(str, ended.first_steps))}; "
                    f"macro-F1 {ended.macro_f1:.6f}, intensity MAE {ended.intensity_mae:.6f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
