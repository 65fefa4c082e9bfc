"""What is set once per process: precision and determinism."""

from __future__ import annotations

import pytest
import torch
from training_cases import RUNTIME

from ganpipe.training.loop import configure


def test_configure_sets_the_precision_of_the_spec(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of products and convolutions on a GPU, which need not be there; by default torch has TF32 for the second."""
    monkeypatch.setattr("ganpipe.training.loop.check_hardware", lambda runtime: None)
    for precision, products, convolutions in (("tf32", "high", "tf32"), ("float32", "highest", "ieee")):
        configure(RUNTIME.model_copy(update={"precision": precision}))
        assert torch.get_float32_matmul_precision() == products
        assert torch.backends.cudnn.conv.fp32_precision == convolutions


def test_configure_switches_deterministic_algorithms_on() -> None:
    configure(RUNTIME.model_copy(update={"deterministic": True}))
    try:
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
