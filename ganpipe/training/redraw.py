"""New samples from a run's saved generator."""

from __future__ import annotations

import importlib
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ganpipe.errors import BadInput
from ganpipe.training import sampling
from ganpipe.training.runs import read_run


def redraw(run: Path, number: int, seed: int, averaged: bool, output: Path) -> None:
    """Write `number` samples of the run's generator as a PNG. Raises BadInput where the run is not there or broken."""
    found = read_run(run)
    variant = found.variant
    procedure = importlib.import_module(f"ganpipe.training.{variant.procedure.kind}")
    net = procedure.Game.build_generator(variant, found.shape)
    file = run / ("generator_ema.safetensors" if averaged else "generator.safetensors")
    try:
        net.load_state_dict(load_file(file))
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"{file} cannot be loaded ({reason}): run `dvc checkout` to restore it.") from None
    made = sampling.sample(net, variant.latent, number, found.space, seed, "redraw", torch.device("cpu"))
    if output.suffix.lower() != ".png" or output.is_dir():
        raise BadInput(f"--output is {output}, which is not a PNG file: give it a name that ends in .png.")
    try:
        sampling.save(sampling.picture(made, made), output)
    except OSError as error:
        raise BadInput(f"{output} cannot be written ({error.strerror}): choose a folder that can be.") from None
