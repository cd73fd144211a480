"""`python -m reviewmine`: the command line."""

from reviewmine.cli import main

if __name__ == "__main__":
    main()
