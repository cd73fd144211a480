"""What `ray job submit -- python jobs/tune.py --run RUN.toml --search SEARCH.toml ...` runs: the tune command."""

import sys

from reviewmine.cli import main

if __name__ == "__main__":
    main(["tune", *sys.argv[1:]])
