"""Attention carries what is far away: Zhang et al. 2018, SAGAN (arXiv 1805.08318), section 3.

A real image has two marks of the same kind in opposite corners, a fake one two different marks. Each mark alone says
nothing. The critic, one of the project's residual blocks and a sum over positions, sees 6 of 16 pixels at once; with
attention behind the block it can compare both corners.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._training import train_critic
from ganpipe.networks._attention import SelfAttention
from ganpipe.networks._blocks import ScalarHead
from ganpipe.networks._residual import DownBlock, SumPool, init_residual_weights
from ganpipe.objectives.non_saturating import NonSaturating
from ganpipe.utils.rng import make_rng, seeded_init

SEEDS, STEPS, EVERY, BATCH, SIZE, WIDTH = range(2), 300, 50, 32, 16, 16
KINDS = {"with_attention": True, "without_attention": False}


def run() -> ProbeResult:
    """The share of new images that the critic tells right, one for each seed, with attention and without."""
    values: dict[str, Any] = {kind: [] for kind in KINDS}
    rows: list[tuple[str | int | float, ...]] = []
    figure, (left, image, where) = axes(3, width=3.2, height=2.8)
    for seed in SEEDS:
        for i, (kind, attention) in enumerate(KINDS.items()):
            critic, curve = train(attention, seed)
            values[kind].append(curve[-1])
            steps = [EVERY * at for at in range(len(curve))]
            rows += [(kind, seed, step, right) for step, right in zip(steps, curve, strict=True)]
            left.plot(steps, curve, color=f"C{i}", lw=1, label=None if seed else kind.replace("_", " "))
            if attention:
                seen = critic
    left.set(xlabel="step", ylabel="new images told right", ylim=(0.4, 1.02))
    left.legend(frameon=False, fontsize="small", loc="center right")
    real, _ = marks(make_rng(0, "picture", "cpu"), 1)
    draw(image, where, seen, real)
    return ProbeResult(values, ["kind", "seed", "step", "accuracy"], rows, figure)


def marks(rng: torch.Generator, n: int) -> tuple[Tensor, Tensor]:
    """Real and fake images, (n, 1, 16, 16) each, with marks of 4 by 4 pixels, upright or lying stripes, and noise."""
    stripes = torch.ones(4, 4)
    stripes[:, 1::2] = -1
    kinds = torch.stack([stripes, stripes.T])
    first = torch.randint(2, (2 * n,), generator=rng)
    second = torch.where(torch.arange(2 * n) < n, first, 1 - first)
    images = 0.1 * torch.randn((2 * n, 1, SIZE, SIZE), generator=rng)
    offsets = torch.randint(4, (2 * n, 4), generator=rng)
    for i in range(2 * n):
        a, b, c, d = offsets[i].tolist()
        images[i, 0, a : a + 4, b : b + 4] += kinds[first[i]]
        c, d = SIZE - 4 - c, SIZE - 4 - d
        images[i, 0, c : c + 4, d : d + 4] += kinds[second[i]]
    return images[:n], images[n:]


def build(attention: bool, seed: int) -> nn.Module:
    layers: list[nn.Module] = [DownBlock(1, WIDTH, "none", down=True, first=True)]
    layers += [SelfAttention(WIDTH)] if attention else []
    layers += [nn.ReLU(), SumPool(), nn.Linear(WIDTH, 1)]
    with seeded_init(seed, "critic"):
        net = ScalarHead(nn.Sequential(*layers), energy=False)
        init_residual_weights(net)
    return net


def train(attention: bool, seed: int) -> tuple[nn.Module, list[float]]:
    """A critic, and the share of new images that it tells right, every EVERY steps."""
    (real, fake), (new_real, new_fake) = (marks(make_rng(seed, p, "cpu"), n) for p, n in (("train", 600), ("new", 250)))
    curve = []

    def watch(step: int, critic: nn.Module) -> None:
        if step % EVERY == 0:
            with torch.no_grad():
                right = torch.cat([critic(new_real).score > 0, critic(new_fake).score < 0])
            curve.append(float(right.double().mean()))

    settings: dict[str, Any] = {"steps": STEPS, "lr": 2e-3, "seed": seed, "batch": BATCH, "betas": (0.0, 0.9)}
    critic = build(attention, seed)
    train_critic(critic, NonSaturating(kind="non_saturating"), real, fake, watch=watch, **settings)
    return critic, curve


@torch.no_grad()
def draw(image: Any, where: Any, critic: Any, real: Tensor) -> None:
    """A real image, and where its first mark looks: the weights of the layer at the mark's place, over the sources."""
    layer = critic.body[1]
    x = critic.body[0](real)
    query, key = layer.query(x).flatten(2), max_pool2d(layer.key(x), 2).flatten(2)
    weights = torch.softmax(query.transpose(1, 2) @ key, 2)[0]
    energy = (real[0, 0].abs() > 0.6).float()[: SIZE // 2, : SIZE // 2]
    row, column = (int(i) for i in energy.nonzero().float().mean(0).round())
    side = SIZE // 2
    at = (row // 2) * side + column // 2
    image.imshow(real[0, 0].numpy(), cmap="gray", vmin=-1.2, vmax=1.2)
    image.plot(column, row, "o", mfc="none", mec="C3", ms=14)
    image.set(title="a real image")
    where.imshow(weights[at].reshape(side // 2, side // 2).numpy(), cmap="magma", vmin=0, extent=(0, SIZE, SIZE, 0))
    where.set(title="where its circle looks")
    for axis in (image, where):
        axis.set(xticks=[], yticks=[])
        axis.grid(False)
