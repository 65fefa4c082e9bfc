"""What EBGAN's margin is for: Zhao et al. 2016 (arXiv 1609.03126), section 2.2.

The critic is pre-trained on digits, then trained against a generator, with the margin of the variant `ebgan` and with
one above any energy, as in `ebgan_no_margin`. Without a margin any energy of a fake is worth more, however high, and
the reals' own may be given up for it.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from ganpipe.algorithms._steps import optimizer_step
from ganpipe.critic import CriticBatch
from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._digits import SHAPE, load
from ganpipe.lecture.probes._training import adam, draw
from ganpipe.lecture.probes.ebgan_energy import pretrained
from ganpipe.networks.generators.mlp import MLPGenerator
from ganpipe.objectives.ebgan import EBGAN
from ganpipe.utils.rng import make_rng, seeded_init

SEEDS, STEPS, BATCH, LATENT = range(5), 300, 64, 16
MARGINS = {"margin": 0.2, "no_margin": 4.0}
GENERATOR = MLPGenerator(kind="mlp", width=128, depth=2, norm="batch")


def run() -> ProbeResult:
    """The mean energy of held-out digits at the end, one for each seed, with the margin and without; start: after the
    pre-training."""
    images = load()
    values: dict[str, Any] = {"start": [], **{name: [] for name in MARGINS}}
    figure, panels = axes(2, width=3.8)
    rows = []
    for seed in SEEDS:
        critic = pretrained(images.train, seed)
        for axis, (name, margin) in zip(panels, MARGINS.items(), strict=True):
            curve = play(copy.deepcopy(critic), images.train, images.test, margin, seed)
            rows += [(name, seed, *row) for row in curve]
            values[name].append(curve[-1][1])
            steps, real, fake = zip(*curve, strict=True)
            axis.semilogy(steps, real, color="C0", lw=1.2, label=None if seed else "held-out digits")
            axis.semilogy(steps, fake, color="C1", lw=1.2, label=None if seed else "generated")
            axis.set(xlabel="step", title=f"margin {margin:g}")
        values["start"].append(curve[0][1])
    panels[0].set_ylabel("energy")
    panels[0].legend(frameon=False, fontsize="small")
    for axis in panels:
        axis.set_ylim(3e-3, 2)
    return ProbeResult(values, ["way", "seed", "step", "energy_real", "energy_fake"], rows, figure)


def play(critic: nn.Module, real: Tensor, held_out: Tensor, margin: float, seed: int) -> list[tuple[int, float, float]]:
    """A training; every 20 steps the mean energies of held-out and of generated images."""
    objective, rng = EBGAN(kind="ebgan", margin=margin), make_rng(seed, "game", "cpu")
    with seeded_init(seed, "generator"):
        generator = GENERATOR.build(LATENT, SHAPE)
    down_d, down_g = adam(critic.parameters(), 5e-4), adam(generator.parameters(), 5e-4)
    curve = []
    for step in range(STEPS + 1):
        fake = generator(torch.randn(BATCH, LATENT, generator=rng))
        if step % 20 == 0:
            with torch.no_grad():
                energies = critic(held_out).score.mean(), critic(fake).score.mean()
            curve.append((step, float(energies[0]), float(energies[1])))
        loss = objective.critic(CriticBatch(draw(real, BATCH, rng), fake.detach(), critic)).mean()
        optimizer_step(down_d, loss)
        loss = objective.generator(CriticBatch(fake, fake, critic)).mean()
        optimizer_step(down_g, loss)
    return curve
