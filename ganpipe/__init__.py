"""ganpipe: trains, evaluates and compares every GAN of the classic lectures and papers.

`ganpipe.load` opens a trained generator.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganpipe.training.model import Model as Model
    from ganpipe.training.model import load as load

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`load` and `Model`, on first use: importing ganpipe must not import torch."""
    if name in ("Model", "load"):
        import importlib

        return getattr(importlib.import_module("ganpipe.training.model"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
