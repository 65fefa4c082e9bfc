"""What the tests of several metrics share."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


class Hollow(ModuleType):
    """A module in which every name is there and means nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


@pytest.fixture(scope="session")
def fidelity() -> SimpleNamespace:
    """torch-fidelity's own `metric_fid`, `metric_kid`, `metric_isc` and `metric_prc`, without the extractors.

    Importing the package as a whole loads torchvision and torch's compiler: more than 10 s, for a few
    functions of ten lines that need neither.
    """
    spec = importlib.util.find_spec("torch_fidelity")
    assert spec is not None
    before = {name for name in sys.modules if name.split(".")[0] == "torch_fidelity"}
    with pytest.MonkeyPatch.context() as patch:
        package = ModuleType("torch_fidelity")
        package.__path__ = list(spec.submodule_search_locations or [])
        patch.setitem(sys.modules, "torch_fidelity", package)
        patch.setitem(sys.modules, "torch_fidelity.utils", Hollow("torch_fidelity.utils"))
        found = SimpleNamespace(
            fid=importlib.import_module("torch_fidelity.metric_fid"),
            kid=importlib.import_module("torch_fidelity.metric_kid"),
            isc=importlib.import_module("torch_fidelity.metric_isc"),
            prc=importlib.import_module("torch_fidelity.metric_prc"),
        )
    for name in list(sys.modules):
        if name.split(".")[0] == "torch_fidelity" and name not in before:
            del sys.modules[name]  # at once: other tests in this process want the real package
    return found
