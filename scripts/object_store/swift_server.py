"""Runs one of Swift's servers; started by the Python of Swift's environment, which alone has Swift.

    swift_server.py KIND SETTINGS

It does not wait for the disk: what this store holds need not survive a power cut, and tests put much into it.
"""

import importlib
import os
import sys


def main() -> None:
    kind, settings = sys.argv[1:]
    os.fsync = os.fdatasync = lambda _: None
    sys.argv = [f"swift-{kind}-server", settings, "--verbose"]
    server = importlib.import_module(f"swift.{'obj' if kind == 'object' else kind}.server")
    sys.exit(server.main())


if __name__ == "__main__":
    main()
