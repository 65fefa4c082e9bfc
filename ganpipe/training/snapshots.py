"""Snapshots: samples of the generators at a few steps of a training, for the evaluation of its course."""

from __future__ import annotations

import copy
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ganpipe.training.sampling import Sampler
from ganpipe.utils.io import write_bytes


def take_snapshot(
    step: int, generators: dict[str, nn.Module], sampler: Sampler, n: int, out: Path
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Write n samples of each generator into `out/snapshots`. Returns those of `raw`, and those of the fixed latents.

    Samples are drawn from copies of the generators, so the training is not affected.
    """
    copies = {name: copy.deepcopy(net) for name, net in generators.items()}
    sampler.update_bn(copies["ema"])
    samples = {name: sampler.sample(net, n, "moment") for name, net in copies.items()}
    for name, array in samples.items():
        save_array(array, out / "snapshots" / f"{step:06d}{suffix(name)}.npy")
    return samples["raw"], sampler.sample_fixed(copies["raw"])


def suffix(generator: str) -> str:
    """What the names of a generator's files end with: nothing for `raw`, `_ema` for `ema`."""
    return "" if generator == "raw" else f"_{generator}"


def save_array(array: NDArray[Any], path: Path) -> None:
    """Write a .npy file whole or not at all. Raises OSError."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_bytes(path, buffer.getvalue())
