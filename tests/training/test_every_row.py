"""Every variant of params.yaml at the smallest size, on every form of data: its step, and what the step depends on."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from training_cases import (
    CPU,
    PARAMS,
    SPACES,
    build,
    parameters,
    real_batches,
    same,
    trainer,
    variant,
    weights,
)

from ganpipe.batches import DataTransform
from ganpipe.training.sampling import Sampler

DECODERS = ("autoencoder", "vae")


def networks(at: Any) -> dict[str, dict[str, Tensor]]:
    """What is saved of a trainer; the average's batch statistics are recomputed before samples are drawn."""
    found = {name: weights(net) for name, net in (at.generators | at.saved_networks).items()}
    found["ema"] = {k: v for k, v in found["ema"].items() if "running_" not in k and "num_batches" not in k}
    return found


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("row", PARAMS["variants"])
def test_a_step_updates_every_network_and_depends_on_the_seed_alone(row: str, space: str) -> None:
    chosen, (form, _, shape) = variant(row, space), SPACES[space]
    reason = chosen.incompatibility(shape)
    if reason is not None:
        # every variant but that with patches is for digits; some are for images of 32 pixels beside
        assert space != "digits" or row == "pix2pix", reason
        return
    runs, sampler = [], Sampler(chosen.latent, DataTransform(form, 1.0), 0, 8, CPU)
    for disturbance in (1, 2):
        torch.manual_seed(disturbance)
        at, batches = build(chosen, shape, 5), real_batches(space, chosen.batch)
        torch.manual_seed(0)  # weights of a stack's first GAN, which are loaded where it is trained
        start = networks(at)
        for step in range(getattr(chosen.algorithm, "critic_steps", 1)):
            before = networks(at)
            metrics = at.train_step(batches)
            assert all(value.isfinite() and value.shape == () for value in metrics.values())
            if chosen.algorithm.is_adversarial:
                assert not same(networks(at)["critic"], before["critic"]), step
            if disturbance == 2:
                at.prepare_for_sampling(batches)
                at.held_out_metrics(next(real_batches(space)).x)
                sampler.update_bn(copy.deepcopy(at.generators["ema"]))
        at.prepare_for_sampling(batches)
        runs.append(networks(at))
        for name, values in runs[-1].items():
            assert not same(values, start[name]), name
            assert all(value.isfinite().all() for value in values.values())
    for name in runs[0]:
        if not chosen.stage1:
            assert same(runs[0][name], runs[1][name]), name
    for net in at.generators.values():
        samples = sampler.sample(net, 5, "test")
        assert samples.shape == (5, *shape)
        assert np.isfinite(samples).all()


@pytest.mark.parametrize("row", DECODERS)
def test_held_out_samples_are_seen_in_evaluation_mode(row: str) -> None:
    at = trainer(row, "digits")
    modes: list[bool] = []
    at.net.encoder.register_forward_hook(lambda module, args, output: modes.append(module.training))
    before = weights(at.net)
    at.held_out_metrics(next(real_batches("digits")).x)
    assert same(weights(at.net), before)
    assert modes == [False]
    assert all(module.training for module in at.net.modules())


@pytest.mark.parametrize("row", DECODERS)
@pytest.mark.parametrize("constraint", [{"kind": "weight_clipping", "limit": 0.01}, {"kind": "spectral_norm"}])
def test_constraints_are_on_the_decoder(row: str, constraint: dict[str, Any]) -> None:
    at = trainer(row, "points", constraints=[{**constraint, "network": "generator"}])
    at.train_step(real_batches("points"))
    largest = {n: max(p.abs().max().item() for p in net.parameters()) for n, net in at.net.named_children()}
    if constraint["kind"] == "weight_clipping":
        layers = [p for n, p in parameters(at.net.decoder).items() if p.ndim > 1]
        assert max(p.abs().max().item() for p in layers) <= 0.01 + 1e-9
        assert largest["encoder"] > 0.02
    else:
        assert {n.split(".")[0] for n in at.net.state_dict() if n.endswith("original")} == {"decoder"}
