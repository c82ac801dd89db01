"""The exceptions that the whole package shares, by who can correct the cause.

The command line shows the first two kinds as one line and anything else, a bug, as a traceback.
"""

from __future__ import annotations

__all__ = [
    "BUG_STATUS",
    "PROOF_STATUS",
    "USER_STATUS",
    "ConfigError",
    "MissingStep",
    "ProofError",
    "ProofFailed",
    "UserError",
    "exit_status",
]

PROOF_STATUS = 1
USER_STATUS = 2
BUG_STATUS = 70
"""EX_SOFTWARE of sysexits.h."""


class UserError(ValueError):
    """A mistake in the user's files, options or machine; the message says what to do."""


class ProofError(Exception):
    """Two of the models that must be equal differ."""


class ConfigError(UserError):
    """A mistake in a network configuration; the message names file, line and key."""


class MissingStep(UserError):
    """A step that needs the files of another one that did not run; names the command to run."""


class ProofFailed(ProofError):
    """Two of the equal models differ; the message names the layer and the first wrong word."""


def exit_status(error: BaseException) -> int:
    """Return the exit status of a command that ends with ``error``.

    2 for what the user can mend, files that cannot be read or written among them, 1 for a failed
    proof, 70 for a bug.
    """
    if isinstance(error, (OSError, UserError)):
        return USER_STATUS
    return PROOF_STATUS if isinstance(error, ProofError) else BUG_STATUS
