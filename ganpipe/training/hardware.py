"""Whether this machine has the device and the precision of a runtime."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ganpipe.config.variant import Runtime
from ganpipe.utils.errors import UserError

AVAILABLE: dict[str, Callable[[], bool]] = {
    "cuda": torch.cuda.is_available,
    "mps": torch.backends.mps.is_available,
    "cpu": lambda: True,
}
"""By device, in the order in which `auto` takes them."""


def missing_hardware(runtime: Runtime) -> str | None:
    """What this machine lacks, as a clause without the remedy; None for nothing. The runtime holds no `auto`."""
    if not AVAILABLE[runtime.device]():
        return f"runtime.device is {runtime.device!r}, which this machine does not have"
    if runtime.precision == "tf32" and not (runtime.device == "cuda" and torch.cuda.is_tf32_supported()):
        return f"runtime.precision is 'tf32', which the device {runtime.device} does not have"
    return None


def check_hardware(runtime: Runtime) -> None:
    """Raises UserError where this machine lacks what the spec names: it was resolved on, or for, another one."""
    if sentence := missing_hardware(runtime):
        raise UserError(f"{sentence}: run it where there is one, or `dvc repro --force resolve` to decide anew.")
