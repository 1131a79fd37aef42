"""The errors of Seimai: one hierarchy, made to survive pickling with their attributes."""

from __future__ import annotations

import os
from typing import Any


class Error(Exception):
    """Anything that stops Seimai. ``exit_code`` is what the command line ends with; ``hint`` says what to do, where it is known."""

    exit_code: int = 1
    hint: str | None = None

    def __init__(self, message: str = "", **attributes: Any) -> None:
        super().__init__(message)
        self.message = message
        for name, value in attributes.items():
            setattr(self, name, value)

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore, (type(self), self.args, dict(self.__dict__)))


def _restore(kind: type[BaseException], arguments: tuple[Any, ...], attributes: dict[str, Any]) -> BaseException:
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    for name, value in attributes.items():
        setattr(error, name, value)
    return error


class PlanError(Error, ValueError):
    """A plan, or an option, that cannot be carried out as it stands."""

    exit_code = 2
    file: str | None = None
    key: str | None = None
    nearest: str | None = None


class InputError(Error, ValueError):
    """An input, an output directory or a request that cannot be worked with."""

    exit_code = 2


class FormatError(Error, ValueError):
    """A file or an Arrow array that breaks a promise of its format; the message names the promise."""

    exit_code = 2
    file: str | None = None


class DictionaryError(Error):
    """A dictionary that is not there, or not what it should be."""

    exit_code = 2


class FingerprintMismatch(Error):
    """Something was made with another plan, dictionary, tokenizer or version than it is used with."""

    exit_code = 2


class Locked(Error):
    """Another run holds the output directory."""

    exit_code = 2


class ResourceError(Error):
    """Memory, disk, descriptors or threads ran out. A run can be resumed."""

    exit_code = 4


class StorageError(Error, OSError):
    """A file that cannot be read or written: ``errno``, ``strerror`` and ``filename`` as of any :class:`OSError`."""

    exit_code = 1

    def __init__(self, message: str = "", errno: int | None = None, filename: str | None = None, **attributes: Any) -> None:
        Error.__init__(self, message, **attributes)
        self.errno = errno
        self.strerror = None if errno is None else os.strerror(errno)
        self.filename = filename

    def __reduce__(self) -> tuple[Any, ...]:
        # These are no part of __dict__.
        of_the_system = {name: getattr(self, name) for name in ("errno", "strerror", "filename")}
        return (_restore, (type(self), self.args, {**self.__dict__, **of_the_system}))


class Interrupted(Error):
    """A run was asked to stop; it can be resumed."""

    exit_code = 130
