"""Gradients of a deep critic, layer by layer: Gulrajani et al. 2017, WGAN-GP (arXiv 1704.00028), figure 1b.

A critic of 12 hidden layers on the Swiss roll, the generator being the data with noise. With clipped weights the
gradient vanishes or explodes on its way from the output to the input, depending on the limit c.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganpipe.constraints.weight_clipping import WeightClipping
from ganpipe.critic import CriticBatch
from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._points import blurred, datasets, load
from ganpipe.lecture.probes._training import WGAN_GP, build, mlp, train_critic
from ganpipe.objectives.wgan import WGAN

DEPTH, STEPS, SAMPLES = 12, 300, 512
WAYS = {"penalty": None, "0.1": 0.1, "0.01": 0.01, "0.001": 0.001}


def run() -> ProbeResult:
    """slope_<c>, slope_penalty: how many decades the gradient grows from one hidden layer to the next towards the
    input, after 300 steps; below 0 it shrinks."""
    real, other = (x.double() for x in load(datasets(SAMPLES)["Swiss roll"]))
    fake = other + blurred(torch.zeros_like(other).float(), 0.5, 1).double()
    norms = {way: layer_norms(fit(real, fake, limit), real, fake) for way, limit in WAYS.items()}
    layers = np.arange(1, DEPTH + 1)
    figure, (axis,) = axes(width=5.0, height=3.2)
    for way, found in norms.items():
        axis.semilogy(layers, found, "o-", ms=3, label="penalty" if way == "penalty" else f"clipped at {way}")
    axis.set(
        xlabel="hidden layer (1: at the input, 12: before the output)", ylabel="gradient of the loss in its outputs"
    )
    axis.legend(frameon=False, fontsize="small")
    values: dict[str, Any] = {f"slope_{way}": -float(np.polyfit(layers, np.log10(n), 1)[0]) for way, n in norms.items()}
    rows = [(int(layer), *(norms[way][layer - 1] for way in WAYS)) for layer in layers]
    return ProbeResult(values, ["layer", *WAYS], rows, figure)


def fit(real: Tensor, fake: Tensor, limit: float | None) -> nn.Module:
    """In float64: at c = 0.001 the gradient ends far below the smallest float32."""
    held: dict[str, Any] = {"penalties": [WGAN_GP]}
    if limit:
        held = {"constraints": [WeightClipping(kind="weight_clipping", network="critic", limit=limit)]}
    lr = 1e-3 if limit is None else limit / 100
    critic = build(mlp(64, DEPTH), (2,), 0)
    return train_critic(critic, WGAN(kind="wgan"), real, fake, steps=STEPS, lr=lr, batch=128, betas=(0.0, 0.9), **held)


def layer_norms(critic: nn.Module, real: Tensor, fake: Tensor) -> list[float]:
    """The norm of the loss's gradient in the outputs of each hidden layer, from the input on."""
    outputs: list[Tensor] = []
    layers = [layer for layer in critic.modules() if isinstance(layer, nn.LeakyReLU)]
    hooks = [layer.register_forward_hook(lambda _, __, output: outputs.append(output)) for layer in layers]
    loss = WGAN(kind="wgan").critic(CriticBatch(real, fake, critic, joint=True)).mean()
    for hook in hooks:
        hook.remove()
    return [float(gradient.norm()) for gradient in torch.autograd.grad(loss, outputs)]
