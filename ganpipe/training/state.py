"""What a training must remember to go on as if it had never stopped, as a tree of tensors and plain values."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor


class Stateful(Protocol):
    """torch's own way: networks, optimisers and schedules answer to it, and so does every class below."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any: ...


class Lasting:
    """Answers from the names of its attributes that last from step to step: what a step reads and an earlier one wrote.

    Each is stateful itself, or a random stream, or a plain value that is replaced.
    """

    lasting: ClassVar[tuple[str, ...]] = ()

    def state_dict(self) -> dict[str, Any]:
        return {name: _state(getattr(self, name)) for name in self.lasting}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Raises KeyError or RuntimeError where it is the state of something else; then in an undefined state."""
        for name in self.lasting:
            setattr(self, name, _restored(getattr(self, name), state_dict[name]))


class Stream(Lasting):
    """A random stream that stands alone."""

    lasting: ClassVar[tuple[str, ...]] = ("rng",)

    def __init__(self, rng: torch.Generator) -> None:
        self.rng = rng


def _state(part: Any) -> Any:
    if isinstance(part, torch.Generator):
        return part.get_state()
    return part.state_dict() if hasattr(part, "state_dict") else part


def _restored(part: Any, state: Any) -> Any:
    if isinstance(part, torch.Generator):
        part.set_state(state)
    elif hasattr(part, "load_state_dict"):
        part.load_state_dict(state)
    else:
        return state
    return part


def to_bytes(tree: Any) -> bytes:
    """A tree of dicts, lists, tuples, tensors, arrays, numbers, strings and None as a safetensors file: no pickle.

    Raises TypeError for anything else.
    """
    tensors: dict[str, Tensor] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, Tensor):
            tensors[str(len(tensors))] = value.detach().cpu().contiguous().clone()
            return {"tensor": len(tensors) - 1, "device": str(value.device)}
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
        raise TypeError(f"{type(value).__name__} is nothing that a checkpoint can hold.")

    text = json.dumps(plain(tree))
    return bytes(save_tensors(tensors, metadata={"tree": text}))


def from_bytes(data: bytes) -> Any:
    """The tree again, its tensors on the devices that they were on. Raises ValueError where it is none."""
    try:
        size = int.from_bytes(data[:8], "little")
        tree = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["tree"])
        # own memory: bits of a sum may differ with the alignment of what is added up
        tensors = {name: value.clone() for name, value in load_tensors(data).items()}
    except Exception as error:  # whatever a reader makes of bytes that are no such file
        raise ValueError(f"no state of a training: {error}") from None

    def whole(value: Any) -> Any:
        if isinstance(value, list):
            return [whole(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        if "tensor" in value:
            return tensors[str(value["tensor"])].to(value["device"])
        if "array" in value:
            return tensors[str(value["array"])].numpy()
        if "tuple" in value:
            return tuple(whole(inner) for inner in value["tuple"])
        return {key: whole(inner) for key, inner in value["dict"]}

    return whole(tree)
