"""The state of a training: state_dict of its parts, and a tree of tensors and plain values as bytes."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor


class Stateful(Protocol):
    """As torch's modules, optimizers and schedulers are."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any: ...


class StateMixin:
    """`state_dict` and `load_state_dict` over the attributes that are named in `state_attrs`.

    Each is a Stateful, a torch.Generator, or a plain value. They are what a step reads that an earlier step wrote.
    """

    state_attrs: ClassVar[tuple[str, ...]] = ()

    def state_dict(self) -> dict[str, Any]:
        return {name: _state(getattr(self, name)) for name in self.state_attrs}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Raises KeyError or RuntimeError for the state of another class; the object is then half loaded."""
        for name in self.state_attrs:
            setattr(self, name, _restored(getattr(self, name), state_dict[name]))


class GeneratorState(StateMixin):
    """A torch.Generator as a Stateful."""

    state_attrs: ClassVar[tuple[str, ...]] = ("rng",)

    def __init__(self, rng: torch.Generator) -> None:
        self.rng = rng


def _state(value: Any) -> Any:
    if isinstance(value, torch.Generator):
        return value.get_state()
    return value.state_dict() if hasattr(value, "state_dict") else value


def _restored(value: Any, state: Any) -> Any:
    if isinstance(value, torch.Generator):
        value.set_state(state)
    elif hasattr(value, "load_state_dict"):
        value.load_state_dict(state)
    else:
        return state
    return value


def to_bytes(tree: Any) -> bytes:
    """A tree of dicts, lists, tuples, tensors, arrays, numbers, strings and None as a safetensors file (no pickle).

    Raises TypeError for anything else.
    """
    tensors: dict[str, Tensor] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, Tensor):
            tensors[str(len(tensors))] = value.detach().cpu().contiguous().clone()
            return {"tensor": len(tensors) - 1, "device": value.device.type}
        if isinstance(value, np.ndarray):
            tensors[str(len(tensors))] = torch.from_numpy(np.ascontiguousarray(value)).clone()
            return {"array": len(tensors) - 1}
        if isinstance(value, dict):  # whose keys may be numbers, as an optimiser's are
            return {"dict": [[key, plain(inner)] for key, inner in value.items()]}
        if isinstance(value, tuple):
            return {"tuple": [plain(inner) for inner in value]}
        if isinstance(value, list):
            return [plain(inner) for inner in value]
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise TypeError(f"{type(value).__name__} cannot be kept in a checkpoint.")

    text = json.dumps(plain(tree))
    return bytes(save_tensors(tensors, metadata={"tree": text}))


def from_bytes(data: bytes) -> Any:
    """The inverse: the tree, its tensors on the kind of device that they were on. Raises ValueError for other bytes."""
    try:
        size = int.from_bytes(data[:8], "little")
        tree = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["tree"])
        # in memory of their own: the bits of a sum may depend on the alignment of its terms
        tensors = {name: value.clone() for name, value in load_tensors(data).items()}
    except Exception as error:  # json and safetensors raise many kinds
        raise ValueError(f"not the state of a training: {error}") from None

    def restored(value: Any) -> Any:
        if isinstance(value, list):
            return [restored(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        if "tensor" in value:
            return tensors[str(value["tensor"])].to(value["device"])
        if "array" in value:
            return tensors[str(value["array"])].numpy()
        if "tuple" in value:
            return tuple(restored(inner) for inner in value["tuple"])
        return {key: restored(inner) for key, inner in value["dict"]}

    return restored(tree)
