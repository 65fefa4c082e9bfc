"""Errors that a person can act on."""

from __future__ import annotations


class BadInput(Exception):
    """An illegal input: one sentence with the key, the value and the remedy.

    The command line and every stage print the sentence and exit with code 2, without a traceback.
    """


class Lacking(Exception):
    """What the machine lacks, as memory: one sentence with the remedy.

    Every stage prints the sentence and exits with code 1, without a traceback.
    """


NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "bad_alloc", "ALLOC_FAILED")
"""What torch says of it: on CUDA, MPS and XPU; by its own allocator, on Windows; by C++; by cuBLAS and cuDNN."""


def out_of_memory(error: BaseException) -> bool:
    """Whether that is what an error says, on any device. Torch has a type of its own for some of them only."""
    said = str(error)
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(w in said for w in NO_MEMORY))
