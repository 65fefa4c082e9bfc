"""New samples from a run's saved generator."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ganpipe.errors import BadInput
from ganpipe.training import sampling
from ganpipe.training.batches import Space
from ganpipe.variant import Variant


def redraw(run: Path, number: int, seed: int, averaged: bool, output: Path) -> None:
    """Write `number` samples of the run's generator as a PNG. Raises BadInput where the run is not there or broken."""
    try:
        facts = json.loads((run / "run.json").read_text(encoding="utf-8"))
        reason = facts["not_applicable"]
        variant = None if reason else Variant.model_validate(facts["parameters"])
        shape, space = ((), None) if reason else _sample_space(facts["sample"])
    except FileNotFoundError:
        known = ", ".join(sorted(str(path.parent) for path in run.parent.parent.glob("*/0/run.json"))) or "none"
        raise BadInput(f"{run} is not a run, it has no run.json: train it first, or use one of: {known}.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        sentence = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadInput(
            f"{run}/run.json cannot be read ({sentence}): run `dvc checkout` to restore it, or `dvc repro`."
        ) from None
    if variant is None or space is None:
        raise BadInput(f"{run} has no generator, because {reason}: choose another run.")
    procedure = importlib.import_module(f"ganpipe.training.{variant.procedure.kind}")
    net = procedure.Game.build_generator(variant, shape)
    file = run / ("generator_ema.safetensors" if averaged else "generator.safetensors")
    try:
        net.load_state_dict(load_file(file))
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"{file} cannot be loaded ({reason}): run `dvc checkout` to restore it.") from None
    made = sampling.sample(net, variant.latent, number, space, seed, "redraw", torch.device("cpu"))
    if output.suffix.lower() != ".png" or output.is_dir():
        raise BadInput(f"--output is {output}, which is not a PNG file: give it a name that ends in .png.")
    try:
        sampling.save(sampling.picture(made, made), output)
    except OSError as error:
        raise BadInput(f"{output} cannot be written ({error.strerror}): choose a folder that can be.") from None


def _sample_space(sample: dict[str, Any]) -> tuple[tuple[int, ...], Space]:
    return tuple(sample["shape"]), Space(sample["form"], sample["scale"])
