"""New samples from a run's saved generator, as a picture."""

from __future__ import annotations

from pathlib import Path

from ganpipe.training.grids import draw_grid, save_png
from ganpipe.training.model import load
from ganpipe.training.sampling import by_class, num_columns
from ganpipe.utils.errors import UserError

WAY = 10
"""Samples from one end of an interpolation to the other."""


def sample_run(
    run: Path,
    number: int,
    seed: int,
    averaged: bool,
    output: Path,
    *,
    interpolate: bool = False,
    label: int | None = None,
) -> None:
    """Write `number` samples of the run's generator, or of its average, as a PNG. Raises UserError for a broken run.

    interpolate: `number` ways of WAY samples from one to another, a row each. label: the class of all samples of a
    conditional generator; None: a column for each that has training images.
    """
    model, columns = load(run, averaged=averaged), None
    if interpolate:
        samples, columns = model.interpolate(number, WAY, seed, label).reshape(-1, *model.shape), WAY
    elif label is None:
        samples = model.generate(by_class(model.generator, model.latents(number, seed)))
        columns = num_columns(model.generator)
    else:
        samples = model.sample(number, seed, label)
    if output.suffix.lower() != ".png" or output.is_dir():
        raise UserError(f"--output is {output}, which is not a PNG file: give it a name that ends in .png.")
    try:
        save_png(draw_grid(samples, samples, columns), output)
    except OSError as error:
        raise UserError(f"{output} cannot be written ({error.strerror}): choose a folder that can be.") from None
