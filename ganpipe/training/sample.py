"""New samples from a run's saved generator."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ganpipe.training.grids import draw_grid, save_png
from ganpipe.training.runs import read_run
from ganpipe.training.sampling import Sampler
from ganpipe.utils.errors import UserError


def sample_run(run: Path, number: int, seed: int, averaged: bool, output: Path) -> None:
    """Write `number` samples of the run's generator, or of its average, as a PNG. Raises UserError for a broken run."""
    found = read_run(run)
    variant = found.variant
    net = variant.algorithm.build_generator(variant, found.shape)
    file = run / ("generator_ema.safetensors" if averaged else "generator.safetensors")
    try:
        net.load_state_dict(load_file(file))
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{file} cannot be loaded ({reason}): run `dvc checkout` to restore it.") from None
    sampler = Sampler(variant.latent, found.space, seed, variant.batch, torch.device("cpu"))
    samples = sampler.sample(net, number, "redraw")
    if output.suffix.lower() != ".png" or output.is_dir():
        raise UserError(f"--output is {output}, which is not a PNG file: give it a name that ends in .png.")
    try:
        save_png(draw_grid(samples, samples), output)
    except OSError as error:
        raise UserError(f"{output} cannot be written ({error.strerror}): choose a folder that can be.") from None
