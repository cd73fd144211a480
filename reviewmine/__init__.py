"""reviewmine: batch opinion mining for review archives, on Ray."""

__version__ = "0.1.0"
