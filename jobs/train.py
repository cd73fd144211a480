"""What `ray job submit -- python jobs/train.py --run jobs/runs/builtin.toml ...` runs: the train command."""

import sys

from reviewmine.cli import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
