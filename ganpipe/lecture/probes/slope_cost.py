"""What it costs to keep the critic's slope near 1: a step with spectral norm beside one with the gradient penalty.

CPU time, in turns, as the machine is never quiet: the one probe whose numbers differ from run to run. The critics are
those of the digits and, at 32x32 pixels in colour, DCGAN's.
"""

from __future__ import annotations

import time

import torch
from torch import nn

from ganpipe.constraints.spectral_norm import SpectralNorm
from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._training import WGAN_GP, build, mlp, train_critic
from ganpipe.networks import CriticNetwork
from ganpipe.networks.critics.dcgan import DCGANCritic
from ganpipe.objectives.wgan import WGAN
from ganpipe.penalties import Penalty

ROUNDS, STEPS, BATCH = 9, 5, 64
CRITICS: dict[str, tuple[CriticNetwork, tuple[int, ...]]] = {
    "dense": (mlp(256, 2), (1, 8, 8)),
    "convolutions": (DCGANCritic(kind="dcgan", width=32, norm="none", output="score"), (3, 32, 32)),
}


def run() -> ProbeResult:
    """<critic>: CPU time of a step with spectral norm over that with the penalty, one for each round."""
    figure, (axis,) = axes(width=4.5, height=1.8)
    values: dict[str, list[float]] = {}
    rows: list[tuple[str | int | float, ...]] = []
    for y, (name, (network, shape)) in enumerate(CRITICS.items()):
        normalised, penalised = (build(network, shape, 0, torch.float32) for _ in range(2))
        SpectralNorm(kind="spectral_norm", network="critic").attach(normalised)
        # the first round is slower
        times = [(milliseconds(normalised, shape), milliseconds(penalised, shape, WGAN_GP)) for _ in range(ROUNDS + 1)][
            1:
        ]
        values[name] = [spectral / penalty for spectral, penalty in times]
        rows += [(name, i, *pair) for i, pair in enumerate(times)]
        axis.plot(values[name], [y] * ROUNDS, "o", alpha=0.5)
    axis.axvline(1, color="k", lw=0.7, ls=":")
    axis.set_yticks(range(len(CRITICS)), list(CRITICS))
    axis.set(ylim=(-0.5, 1.5), xlim=(0, None), xlabel="spectral norm over gradient penalty, CPU time of a step")
    return ProbeResult(values, ["critic", "round", "spectral_norm_ms", "gradient_penalty_ms"], rows, figure)


def milliseconds(critic: nn.Module, shape: tuple[int, ...], *penalties: Penalty) -> float:
    """CPU time of a step."""
    real, fake = torch.zeros(BATCH, *shape), torch.ones(BATCH, *shape)
    start = time.process_time()
    train_critic(critic, WGAN(kind="wgan"), real, fake, steps=STEPS, lr=1e-4, batch=BATCH, penalties=penalties)
    return 1000 * (time.process_time() - start) / STEPS
