"""Procedures: how the steps are taken. The parameters are here; `ganpipe/training/<kind>.py` takes the steps."""

from __future__ import annotations

from ganpipe.params import Part


class Procedure(Part):
    """The parameters of a way to train."""
