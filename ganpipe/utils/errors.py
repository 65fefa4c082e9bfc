"""Errors that a person can act on, and how a value of params.yaml is written in their sentences."""

from __future__ import annotations

import errno
import math
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

LONGEST_VALUE, LONGEST_SENTENCE = 60, 4000


class UserError(Exception):
    """An illegal input: one sentence with the key, the value and the remedy.

    The command line and every stage print the sentence and exit with code 2, without a traceback. It is one line of
    printable characters, as names of files and keys come from outside, and no longer than LONGEST_SENTENCE.
    """

    def __init__(self, sentence: str) -> None:
        line = printable(sentence)
        if len(line) > LONGEST_SENTENCE:  # the remedy is at the end
            half = LONGEST_SENTENCE // 2 - 2
            line = f"{line[:half]}...{line[-half:]}"
        super().__init__(line)


class ResourceError(Exception):
    """The machine is out of disk, memory or permission: one sentence with the remedy.

    The command line and every stage print the sentence and exit with code 1, without a traceback.
    """


def printable(text: str) -> str:
    """The text on one line: escapes in place of control characters and of bytes that are no UTF-8."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def format_value(value: Any) -> str:
    """A value as in params.yaml, on one line, of at most LONGEST_VALUE characters.

    What comes after these is not read: by aliases a short file may hold more than fits into memory.
    """
    text = "".join(islice(_pieces(value), LONGEST_VALUE + 1))  # no piece is empty
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."


def join_key(*loc: object) -> str:
    """The keys that lead to a value of params.yaml in one: train.latent.size."""
    keys = (str(key) for key in loc)
    return ".".join(key if len(key) <= LONGEST_VALUE else f"{key[: LONGEST_VALUE - 3]}..." for key in keys)


def _pieces(value: Any) -> Iterator[str]:
    if isinstance(value, (Mapping, list, tuple)):
        mapping = isinstance(value, Mapping)
        yield "{" if mapping else "["
        for place, item in enumerate(value):
            if place:
                yield ", "
            if mapping:
                yield f"{item[: LONGEST_VALUE + 1]}: " if isinstance(item, str) else f"{format_value(item)}: "
                item = value[item]
            yield from _pieces(item)
        yield "}" if mapping else "]"
    else:
        yield _scalar(value)


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    if isinstance(value, int) and value.bit_length() > 10_000:
        return hex(value)  # Python refuses to write so long a number in decimals
    return repr(value[: LONGEST_VALUE + 1] if isinstance(value, str) else value)


OUT_OF_MEMORY_MESSAGES = ("out of memory", "can't allocate memory", "not enough memory", "bad_alloc", "ALLOC_FAILED")
"""Torch's messages: on CUDA, MPS and XPU; by its own allocator, on Windows; by C++; by cuBLAS and cuDNN."""


def out_of_memory(error: BaseException) -> bool:
    """Whether an error means that, on any device; torch has a type of its own for some of them only."""
    message = str(error)
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(w in message for w in OUT_OF_MEMORY_MESSAGES)
    )


REMEDIES = {
    errno.ENOSPC: "make room on that disk",
    errno.EDQUOT: "make room in your quota",
    errno.EROFS: "work where you may write",
    errno.EACCES: "allow it",
    errno.EPERM: "allow it",
    errno.EEXIST: "remove what is in its place",
    errno.ENOTDIR: "remove what is in the place of a folder",
}
"""The remedy by the error's number."""

ABOUT_A_FILE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Errors that concern a file also where they don't say which: that of a write names none."""


def resource_hint(error: BaseException) -> str | None:
    """What of disk, memory or permission is missing, and the remedy: a sentence without its full stop; else None."""
    if isinstance(error, ResourceError):
        return str(error).removesuffix(".")
    if isinstance(error, OSError):
        if error.errno not in REMEDIES or not (error.filename or error.errno in ABOUT_A_FILE):
            return None
        return f"{error.filename or 'a file'} cannot be written ({error.strerror}): {REMEDIES[error.errno]}"
    if out_of_memory(error):
        first = str(error).splitlines()[0] if str(error) else "an array did not fit"
        return f"not enough memory ({first}): end other programs or ask for less in params.yaml"
    return None
