"""Errors that a person can act on, and how a value of params.yaml stands in their sentences."""

from __future__ import annotations

import errno
import math
from collections.abc import Iterator, Mapping
from typing import Any

LONGEST_VALUE, LONGEST_SENTENCE = 60, 4000


class BadInput(Exception):
    """An illegal input: one sentence with the key, the value and the remedy.

    The command line and every stage print the sentence and exit with code 2, without a traceback. It stands on one
    line whatever is in it: names of files and keys come from outside, and a terminal obeys what it cannot print.
    """

    def __init__(self, sentence: str) -> None:
        line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in sentence)
        if len(line) > LONGEST_SENTENCE:  # a path, say, may be of any length; the remedy stands at the end
            half = LONGEST_SENTENCE // 2 - 2
            line = f"{line[:half]}...{line[-half:]}"
        super().__init__(line)


class Lacking(Exception):
    """What the machine lacks, as memory: one sentence with the remedy.

    Every stage prints the sentence and exits with code 1, without a traceback.
    """


def shown(value: Any) -> str:
    """A value as it stands in params.yaml, on one line, and only its beginning where it is long.

    What is behind the beginning is not looked at: by aliases a short file may hold more than fits into memory.
    """
    text = ""
    for piece in _pieces(value):
        text += piece
        if len(text) > LONGEST_VALUE:
            return f"{text[: LONGEST_VALUE - 3]}..."
    return text


def dotted(*loc: object) -> str:
    """A key by its way through params.yaml: train.latent.size."""
    keys = (str(key) for key in loc)
    return ".".join(key if len(key) <= LONGEST_VALUE else f"{key[: LONGEST_VALUE - 3]}..." for key in keys)


def _pieces(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield "{"
        for place, (key, item) in enumerate(value.items()):
            yield ", " if place else ""
            yield from _pieces(key) if not isinstance(key, str) else [key[: LONGEST_VALUE + 1]]
            yield ": "
            yield from _pieces(item)
        yield "}"
    elif isinstance(value, (list, tuple)):
        yield "["
        for place, item in enumerate(value):
            yield ", " if place else ""
            yield from _pieces(item)
        yield "]"
    else:
        yield _scalar(value)


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    if isinstance(value, int) and value.bit_length() > 10_000:
        return hex(value)  # Python refuses to write so long a number in decimals
    if isinstance(value, str):
        return repr(value[: LONGEST_VALUE + 1])
    return repr(value)


NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "bad_alloc", "ALLOC_FAILED")
"""What torch says of it: on CUDA, MPS and XPU; by its own allocator, on Windows; by C++; by cuBLAS and cuDNN."""


def out_of_memory(error: BaseException) -> bool:
    """Whether that is what an error says, on any device. Torch has a type of its own for some of them only."""
    said = str(error)
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(w in said for w in NO_MEMORY))


LACKS = {
    errno.ENOSPC: "make room on that disk",
    errno.EDQUOT: "make room in your quota",
    errno.EROFS: "work where you may write",
    errno.EACCES: "allow it",
    errno.EPERM: "allow it",
    errno.EEXIST: "remove what is in its place",
    errno.ENOTDIR: "remove what is in the place of a folder",
}
"""What to do about what the machine lacks."""

NAMELESS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Errors that are of a file also where they don't say of which: that of a write names none."""


def lacking(error: BaseException) -> str | None:
    """What the machine lacks (room on a disk, a right, memory) and the remedy; None where the error is another."""
    if isinstance(error, Lacking):
        return str(error).removesuffix(".")
    if isinstance(error, OSError):
        if error.errno == errno.ENOENT and "temporary directory" in str(error.strerror):
            return f"{error.strerror}: make room there, or name another by TMPDIR"
        if error.errno not in LACKS or not (error.filename or error.errno in NAMELESS):
            return None
        return f"{error.filename or 'a file'} cannot be written ({error.strerror}): {LACKS[error.errno]}"
    if out_of_memory(error):
        said = str(error).splitlines()[0] if str(error) else "an array did not fit"
        return f"not enough memory ({said}): end other programs or ask for less in params.yaml"
    return None
