"""Every error that Crystal Forge raises on purpose.

    ForgeError                  exit code 1 unless said otherwise
    ├── InputError              exit code 2: an invalid input of the caller (seed, hand, declaration, option)
    │   └── RecordError         a record of plays contradicts itself or the rules; names the play
    ├── DataError               a file is not what it has to be
    │   ├── DamagedFile         truncated, unreadable or changed since it was written
    │   ├── SchemaMismatch      of another format version than this program reads
    │   └── EmptySplit          a split without a single sample
    ├── ModelError              a checkpoint or a model cannot be used
    │   ├── WrongModelType      a policy where Q values are needed, or the other way round
    │   └── ParityError         an exported model does not agree with the one it came from
    ├── StoreError              the artifact store lacks what a reference names, or cannot be written
    └── RemoteError             work elsewhere cannot be reached, was never deployed, or failed there
        └── BudgetReached       it was stopped because its estimated cost reached the budget

A message says three things: what was given, what was expected, what to do. `ForgeError.of` puts them in that order;
the exception itself holds one string, so that it survives pickling to another process.
"""

from typing import Self


class ForgeError(Exception):
    """The root: catch this to catch everything that Crystal Forge raises on purpose."""

    exit_code = 1

    @classmethod
    def of(cls, *, got: str, expected: str, remedy: str) -> Self:
        """Build the error from the three parts of its message (sentence fragments without a full stop)."""
        return cls(f"Got {got}. Expected {expected}. {remedy[:1].upper()}{remedy[1:]}.")


class InputError(ForgeError, ValueError):
    """An invalid input of the caller."""

    exit_code = 2


class RecordError(InputError):
    """A record of plays contradicts itself or the rules."""


class DataError(ForgeError):
    """A file is not what it has to be."""


class DamagedFile(DataError):
    """Truncated, unreadable or changed since it was written."""


class SchemaMismatch(DataError):
    """Of another format version than this program reads."""


class EmptySplit(DataError):
    """A split without a single sample."""


class ModelError(ForgeError):
    """A checkpoint or a model cannot be used."""


class WrongModelType(ModelError):
    """A policy where Q values are needed, or the other way round: another model has to be named."""

    exit_code = 2


class ParityError(ModelError):
    """An exported model does not agree with the one it came from."""


class StoreError(ForgeError):
    """The artifact store lacks what a reference names, or cannot be written."""


class RemoteError(ForgeError):
    """Work elsewhere cannot be reached, was never deployed, or failed there."""


class BudgetReached(RemoteError):
    """It was stopped because its estimated cost reached the budget."""
