"""Training an autoencoder critic alone, to reconstruct real samples, before the game (EBGAN)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from ganpipe.game import Judgement
from ganpipe.training.batches import Batches, Space
from ganpipe.training.history import Progress
from ganpipe.training.loop import Job, _weights
from ganpipe.training.streams import initialised_by


def pretrain(job: Job) -> dict[str, Any]:
    """Write `critic.safetensors`; returns the energies of held-out real samples before and after, and the margin's share.

    A margin that the energy of fakes never reaches is never active: energy_over_margin says where the game starts.
    """
    variant, device = job.variant, torch.device(job.runtime.device)
    space = Space(job.data.form, job.data.scale)
    batches = Batches(job.data.train, variant.batch, space, job.seed, "pretrain", device)
    pack = getattr(variant.procedure, "pack", 1)
    with initialised_by(job.seed, "critic"):
        critic = variant.critic.build((job.data.shape[0] * pack, *job.data.shape[1:])).to(device)
    optimizer = variant.pretrain.optimizer.build(critic.parameters())
    test = space.to_model(torch.from_numpy(job.data.test[: len(job.data.test) // pack * pack]).to(device))

    def energy(x: torch.Tensor) -> torch.Tensor:
        judgement: Judgement = critic(x.reshape(len(x) // pack, pack * x.shape[1], *x.shape[2:]))
        return judgement.score.mean()

    with torch.no_grad():
        before = float(energy(test))
    with Progress(job.name, variant.pretrain.steps) as progress:
        for step in range(1, variant.pretrain.steps + 1):
            loss = energy(next(batches))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            if step % variant.log_every == 0 or step == variant.pretrain.steps:
                progress.update(step, {"reconstruction_loss": float(loss)})
    critic.eval()
    with torch.no_grad():
        after = float(energy(test))
    save_file(_weights(critic), job.out / "critic.safetensors")
    margin = getattr(variant.objective, "margin", None)
    return {
        "steps": variant.pretrain.steps,
        "energy_before": before,
        "energy_after": after,
        "margin": margin,
        "energy_over_margin": None if margin is None else after / margin,
    }


def weights_file(folder: Path) -> Path:
    """Where `pretrain` left the critic's weights."""
    return folder / "critic.safetensors"
