"""Every error a person can meet, in one tree; the leaf decides the exit code of a command.

    ReviewmineError                 1  something failed
    ├── UsageError                  2  the command or its configuration is wrong
    │   └── ConfigError             2  a run file, a path or a value in it
    ├── ContractError               1  rows or schemas break the contract
    ├── ArchiveError                1  an archive cannot be read
    │   └── ArchiveUnsettled        1  a file changed while it was read, or its store gave no answer: rerun
    ├── CheckpointError             1  a checkpoint or backbone cannot be trusted or understood
    ├── TrainingError               1  examples or a training run are unusable
    │   └── Diverged                1  a gradient is not finite; the same run would end the same
    ├── GateError                   1  a checkpoint falls short of what it is promoted for
    ├── TableError                  1  a table is foreign, of another contract, or not writable
    ├── StoreError                  1  object storage answered with an error
    │   ├── PreconditionFailed      1  a conditional put lost: the object is not what it was
    │   └── StoreUnavailable        1  no answer, or one that a retry may mend
    ├── PublishError                1  a partition could not be verified or committed
    │   ├── LeaseHeld               1  another live run holds the partition
    │   └── LeaseLost               1  a later writer fenced this one off
    ├── RejectBudgetExceeded        1  more unreadable files than the run file tolerates
    └── Stopped                     4  told to stop; what stands is kept and the run resumes

A message says where, what was found, what was expected and, if known, the fix.
"""

from collections.abc import Sequence

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_DONE_WITH_REJECTS = 3
EXIT_RESUMABLE = 4


class ReviewmineError(Exception):
    """The root of the tree."""

    exit_code = EXIT_FAILED


class UsageError(ReviewmineError):
    """The command was called in a way that cannot work."""

    exit_code = EXIT_USAGE


class ConfigError(UsageError):
    """A run file, or a value that overrides it, is wrong."""


class ContractError(ReviewmineError):
    """Rows or a schema break the contract of section 2 of the design."""


class ArchiveError(ReviewmineError):
    """An archive is not there, or cannot be read."""


class ArchiveUnsettled(ArchiveError):
    """A file changed while it was read, or its store gave no answer: another run may find it in order."""


class CheckpointError(ReviewmineError):
    """A checkpoint or a backbone is missing, altered, unsafe or of an unknown format."""


class TrainingError(ReviewmineError):
    """A training run cannot start or cannot go on."""


class GateError(ReviewmineError):
    """A checkpoint does not reach what a gate asks of it."""


class Diverged(TrainingError):
    """A gradient is not finite; `rows` are the numbers of the training examples to look at."""

    def __init__(self, message: str, *, rows: Sequence[int] = ()) -> None:
        super().__init__(message)
        self.rows = tuple(rows)


class TableError(ReviewmineError):
    """A table is foreign, of another contract version, or cannot be written."""


class StoreError(ReviewmineError):
    """A store refused an operation for a reason that a retry does not mend."""


class PreconditionFailed(StoreError):
    """A conditional put found another object than the one it was conditioned on."""


class StoreUnavailable(StoreError):
    """A store gave no answer; the operation may or may not have taken place."""


class PublishError(ReviewmineError):
    """A partition could not be verified or committed."""


class LeaseHeld(PublishError):
    """Another run, whose heartbeat moves, holds the partition."""


class LeaseLost(PublishError):
    """A later writer fenced this one off; nothing of it was or will be committed."""


class RejectBudgetExceeded(ReviewmineError):
    """More archive files were unreadable than the run file tolerates."""


class Stopped(ReviewmineError):
    """The run was told to stop; every receipt stands and a rerun goes on from there."""

    exit_code = EXIT_RESUMABLE
