"""A trained generator to take away: `ganpipe.load(path).sample(64, seed=0)`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from ganpipe.algorithms._labels import LabelledGenerator
from ganpipe.training.runs import read_run
from ganpipe.training.sampling import CHUNK
from ganpipe.training.weights import Architecture, read_generator
from ganpipe.utils.errors import UserError
from ganpipe.utils.rng import make_rng, sample_latents, seeded_init


def load(path: str | Path, *, averaged: bool = True, device: str | torch.device = "cpu") -> Model:
    """A saved generator, ready to draw samples on the device.

    path: a run's folder, or one of its files `generator.safetensors` and `generator_ema.safetensors`, which needs
    nothing beside it. averaged: which of the two in a folder, the moving average of the weights or the last ones.
    Raises UserError where there is no such generator or device.
    """
    path = Path(path)
    file = generator_file(path, averaged)
    try:
        architecture, weights = read_generator(file)
    except FileNotFoundError:
        if file != path:
            read_run(path)  # says why a folder has no generator
        raise UserError(f"{file} cannot be loaded (it is not there): run `dvc checkout` to restore it.") from None
    variant = architecture.variant
    with seeded_init(0, "load"):  # leaves torch's global random numbers as they are
        generator = variant.algorithm.build_generator(variant, architecture.shape)
    try:
        generator.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{file} cannot be loaded ({reason}): run `dvc checkout` to restore it.") from None
    try:
        generator.to(device)
    except (RuntimeError, AssertionError) as error:  # which of them depends on how torch was built
        reason = str(error).splitlines()[0]
        raise UserError(f"device is {device}, which cannot be used here ({reason}): use cpu.") from None
    return Model(generator.eval().requires_grad_(False), architecture, torch.device(device))


def generator_file(path: Path, averaged: bool) -> Path:
    """The file of one of a run's two generators, or the path itself where it is one."""
    return path if path.suffix == ".safetensors" else path / f"generator{'_ema' if averaged else ''}.safetensors"


@dataclass(frozen=True)
class Model:
    """A generator in evaluation mode. Latents are drawn on the CPU, so a seed means the same samples on any device."""

    generator: nn.Module
    architecture: Architecture
    device: torch.device

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a sample: (C, H, W) for images, (D,) for points."""
        return self.architecture.shape

    @property
    def classes(self) -> int | None:
        """Of a conditional generator; None of any other."""
        return self.generator.classes if isinstance(self.generator, LabelledGenerator) else None

    def sample(self, n: int, seed: int = 0, labels: int | ArrayLike | None = None) -> NDArray[Any]:
        """n new samples, (n, *shape): images as uint8, points as float32 in the data's own units.

        labels: of a conditional generator, one for all or one for each; None: as often as in the training data.
        """
        return self.generate(self.latents(n, seed, labels))

    def interpolate(self, n: int, steps: int = 8, seed: int = 0, labels: int | ArrayLike | None = None) -> NDArray[Any]:
        """n ways from one sample to another, (n, steps, *shape): along the arc between two latents that are normal
        (White 2016, arXiv 1609.04468), along the line between two that are uniform. A way stays within its class."""
        start, end = self.latents(2 * _at_least(1, "n", n), seed).reshape(2, n, -1)
        start = start if labels is None else self._ask(start, labels)
        fixed = 1 if self.classes else 0  # the first number says the class
        label, start, end = start[:, :fixed], start[:, fixed:], end[:, fixed:]
        shares = np.linspace(0, 1, _at_least(2, "steps", steps)).tolist()
        between = _arc if self.architecture.variant.latent.kind == "normal" else torch.lerp
        # one step of all ways at a time: each way keeps its place in the batch, and so its member of an ensemble
        return np.stack([self.generate(torch.cat([label, between(start, end, share)], 1)) for share in shares], 1)

    def latents(self, n: int, seed: int = 0, labels: int | ArrayLike | None = None) -> Tensor:
        """(n, latent size), of the distribution that the generator was trained with, on the CPU. labels: as `sample`'s.

        Raises UserError for labels of a generator that takes none, or not among its classes with training images.
        """
        z = sample_latents(self.architecture.variant.latent, _at_least(1, "n", n), make_rng(seed, "redraw", "cpu"))
        return z if labels is None else self._ask(z, labels)

    def _ask(self, z: Tensor, labels: int | ArrayLike) -> Tensor:
        if not isinstance(self.generator, LabelledGenerator):
            title = self.architecture.variant.title
            raise UserError(f"labels are given, and {title} takes none: leave them out, or use a conditional variant.")
        given, last = np.asarray(labels), self.generator.classes - 1
        if given.dtype.kind not in "iu" or given.shape not in ((), (len(z),)):
            raise UserError(f"labels are {labels!r:.60}: use one whole number, or {len(z)} of them.")
        if not ((given >= 0) & (given <= last)).all():
            wrong = given[(given < 0) | (given > last)].flat[0]
            raise UserError(f"labels hold {wrong}, which is no class: use 0 to {last}.")
        if (missing := ~np.isin(given, self.generator.known.cpu())).any():
            raise UserError(f"labels hold {given[missing].flat[0]}, a class without a training image: use another.")
        return self.generator.ask(z, torch.from_numpy(np.broadcast_to(given, len(z)).astype(np.int64)))

    @torch.no_grad()
    def generate(self, latents: Tensor) -> NDArray[Any]:
        """The samples of these latents (N, latent size), in data space: (N, *shape)."""
        transform = self.architecture.transform
        parts = [transform.to_data(self.generator(z.to(self.device))).cpu() for z in torch.split(latents, CHUNK)]
        return torch.cat(parts).numpy()


def _arc(start: Tensor, end: Tensor, share: float) -> Tensor:
    """Spherical interpolation between latents (N, L): by `share` of the angle between them."""
    cosine = torch.cosine_similarity(start, end, dim=1).clamp(-1, 1)
    angle = cosine.arccos()[:, None]
    parts = torch.sin((1 - share) * angle) * start + torch.sin(share * angle) * end
    # latents in the same or in opposite directions have no arc between them
    return torch.where(angle.sin() < 1e-6, torch.lerp(start, end, share), parts / angle.sin())


def _at_least(least: int, name: str, value: int) -> int:
    if value < least:
        raise UserError(f"{name} is {value}: use {least} or more.")
    return value
