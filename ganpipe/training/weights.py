"""Weights on disk: safetensors only. Those of a generator say how to build it, so that one file is enough.

The file's metadata then holds one key, `ganpipe`, with sorted JSON: `{"format": 1, "version", "parameters": those of
the variant, "sample": {"form": "images"|"points", "shape", "scale"}}`. With several keys the bytes would differ from
process to process, as safetensors writes them in the order of a hash table.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ganpipe import __version__
from ganpipe.batches import DataTransform
from ganpipe.config.variant import Variant
from ganpipe.utils.errors import UserError
from ganpipe.utils.io import write_bytes

KEY = "ganpipe"
FORMAT = 1


@dataclass(frozen=True)
class Architecture:
    """What a generator is built from. shape: of a sample."""

    variant: Variant
    shape: tuple[int, ...]
    transform: DataTransform

    def to_json(self) -> str:
        """With sorted keys, so that the bytes are always the same."""
        sample = {"form": self.transform.form, "shape": list(self.shape), "scale": self.transform.scale}
        facts = {"format": FORMAT, "version": __version__, "sample": sample}
        return json.dumps(facts | {"parameters": self.variant.model_dump(mode="json")}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Architecture:
        """Raises ValueError, KeyError or TypeError where the text is none."""
        facts = json.loads(text)
        sample = facts["sample"]
        transform = DataTransform(sample["form"], sample["scale"])
        return cls(Variant.model_validate(facts["parameters"]), tuple(sample["shape"]), transform)


def save_weights(net: nn.Module, path: Path, architecture: Architecture | None = None) -> None:
    """Every parameter and buffer of the network, on the CPU, and how to build it where it is a generator."""
    save_tensors(net.state_dict(), path, {KEY: architecture.to_json()} if architecture else None)


def save_tensors(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
    """Tensors by name, on the CPU. Raises OSError where the file cannot be written."""
    write_bytes(path, save({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, metadata))


def read_generator(path: Path) -> tuple[Architecture, dict[str, Tensor]]:
    """How a saved generator is built, and its state dict. Raises FileNotFoundError; UserError for any other file."""
    try:
        with safe_open(path, framework="pt") as file:
            about = (file.metadata() or {}).get(KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise
    except (OSError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} cannot be loaded ({reason}): run `dvc checkout` to restore it.") from None
    if about is None:
        raise UserError(
            f"{path} does not say how its network is built: it is no generator, or was written by an older ganpipe; "
            "run `dvc repro` to train it anew."
        )
    try:
        return Architecture.from_json(about), tensors
    except (ValueError, KeyError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{path} cannot be loaded, as its architecture is not of ganpipe {__version__} ({reason}): "
            "use the version that wrote it, or run `dvc repro` to train it anew."
        ) from None
