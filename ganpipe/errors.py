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
