"""The VAE against closed forms: its KL, its bound where the likelihood is known, its gradients, and its optimum."""

from __future__ import annotations

import copy
from math import log, pi
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence
from training_cases import CPU, PARAMS, build

from ganpipe.algorithms.vae import gaussian_kl, gaussian_nll
from ganpipe.batches import Batches, DataTransform
from ganpipe.config.overlay import merge, merged
from ganpipe.config.variant import Variant
from ganpipe.utils.rng import make_rng

DEVIATION = 0.5
ROW: dict[str, Any] = {
    **{"title": "VAE", "objective": {"kind": "none"}, "critic": {"kind": "none"}, "latent": {"size": 2}},
    "generator_optimizer": {"lr": 0.01, "betas": [0.9, 0.99]},
    "algorithm": {
        "kind": "vae",
        "decoder_std": DEVIATION,
        "encoder": {"kind": "mlp", "width": 8, "depth": 1, "norm": "none"},
    },
}
# the columns are orthogonal, so that the true posterior has a diagonal covariance as the encoder's has
WEIGHT = torch.tensor([[1.0, 0.0], [0.0, 0.5], [1.0, 0.0]])
BIAS = torch.tensor([0.3, -0.2, 0.1])


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


class Constant(nn.Module):
    """An encoder that gives these codes for any input."""

    def __init__(self, mean: Tensor, log_variance: Tensor) -> None:
        super().__init__()
        self.code = nn.Parameter(torch.cat([mean, log_variance], 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.code.expand(len(x), -1)


def linear_vae(encoder: nn.Module, weight: Tensor = WEIGHT, bias: Tensor = BIAS, **changes: Any) -> Any:
    """p(x|z) = N(weight z + bias, DEVIATION^2 I) with this encoder."""
    whole = merge(merged(PARAMS["train"], ROW, "points", ""), changes)
    trainer = build(Variant.model_validate(whole), (len(bias),))
    decoder = nn.Linear(weight.shape[1], len(bias))
    with torch.no_grad():
        decoder.weight.copy_(weight)
        decoder.bias.copy_(bias)
    trainer.net.encoder, trainer.net.decoder = encoder, decoder
    trainer.ema = copy.deepcopy(trainer.net).requires_grad_(False)
    trainer.optimizer = trainer.variant.generator_optimizer.build(trainer.net.parameters())
    return trainer


def marginal(weight: Tensor = WEIGHT, bias: Tensor = BIAS) -> MultivariateNormal:
    """p(x) of the linear decoder."""
    return MultivariateNormal(bias, weight @ weight.T + DEVIATION**2 * torch.eye(len(bias)))


def likelihood(p: MultivariateNormal, x: Tensor) -> float:
    """Mean log-likelihood in nats per sample."""
    value: Tensor = p.log_prob(x)
    return value.mean().item()


def posterior(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (N, 2) and variance (2,) of p(z|x)."""
    variance = 1 / (1 + WEIGHT.square().sum(0) / DEVIATION**2)
    return (x - BIAS) @ WEIGHT / DEVIATION**2 * variance, variance


def bound(x: Tensor, mean: Tensor, log_variance: Tensor, n: int = 200_000) -> float:
    """The ELBO of one x (3,), averaged over n draws."""
    trainer = linear_vae(Constant(mean[None], log_variance[None]))
    with torch.no_grad():
        loss = trainer.losses(x.expand(n, -1))["generator_loss"]
    return -loss.item()


def test_kl_is_the_closed_form_of_torch() -> None:
    mean, log_variance = 2 * randn(50, 6), randn(50, 6, seed=1)
    q = Independent(Normal(mean, (0.5 * log_variance).exp()), 1)
    p = Independent(Normal(torch.zeros(6), torch.ones(6)), 1)
    torch.testing.assert_close(gaussian_kl(mean, log_variance), kl_divergence(q, p))


def test_kl_by_hand() -> None:
    """0 for the prior itself, mean^2 / 2 for a shift, (v - 1 - log v) / 2 for a variance v; dimensions add up."""
    mean = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 0.0], [3.0, 0.0]])
    log_variance = torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.0, log(4.0)], [0.0, log(4.0)]])
    wide = (4 - 1 - log(4.0)) / 2
    torch.testing.assert_close(gaussian_kl(mean, log_variance), torch.tensor([0.0, 4.5, wide, 4.5 + wide]))


@pytest.mark.parametrize("shape", [(2,), (1, 8, 8), (3, 28, 28)])
def test_reconstruction_is_the_likelihood_of_a_gaussian(shape: tuple[int, ...]) -> None:
    x, mean = randn(5, *shape), randn(5, *shape, seed=1)
    expected = -Independent(Normal(mean, 0.3), len(shape)).log_prob(x)
    torch.testing.assert_close(gaussian_nll(x, mean, 0.3), expected)
    features = x[0].numel()
    nothing = gaussian_nll(x, x, 0.3)
    torch.testing.assert_close(nothing, torch.full((5,), features * (log(0.3) + 0.5 * log(2 * pi))))


def test_the_loss_is_reconstruction_and_kl_of_one_z_for_each_sample() -> None:
    mean, log_variance, x = randn(7, 2), randn(7, 2, seed=1), randn(7, 3, seed=2)
    trainer = linear_vae(Constant(mean, log_variance))
    metrics = trainer.losses(x)
    noise = torch.randn(7, 2, generator=make_rng(0, "codes", CPU))
    decoded = (mean + (0.5 * log_variance).exp() * noise) @ WEIGHT.T + BIAS
    nll = -Independent(Normal(decoded, DEVIATION), 1).log_prob(x)
    torch.testing.assert_close(metrics["generator_loss"], (nll + gaussian_kl(mean, log_variance)).mean())
    torch.testing.assert_close(metrics["reconstruction"], (decoded - x).square().mean())
    torch.testing.assert_close(metrics["kl"], gaussian_kl(mean, log_variance).mean())


@pytest.mark.parametrize("seed", range(3))
def test_at_the_true_posterior_the_bound_is_the_likelihood(seed: int) -> None:
    x = 2 * randn(1, 3, seed=seed)
    mean, variance = posterior(x)
    assert bound(x[0], mean[0], variance.log()) == pytest.approx(likelihood(marginal(), x), abs=0.02)


@pytest.mark.parametrize(("shift", "widen"), [(0.0, 1.0), (0.5, 0.0), (-1.0, -1.0), (0.2, 0.3)])
def test_elsewhere_it_is_below_by_the_divergence_from_the_posterior(shift: float, widen: float) -> None:
    x = randn(1, 3)
    mean, variance = posterior(x)
    said, log_variance = mean[0] + shift, variance.log() + widen
    found, exact = bound(x[0], said, log_variance), likelihood(marginal(), x)
    true = Independent(Normal(mean[0], variance.sqrt()), 1)
    gap = kl_divergence(Independent(Normal(said, (0.5 * log_variance).exp()), 1), true).item()
    assert gap > 0.1
    assert found < exact
    assert found == pytest.approx(exact - gap, abs=0.02 * (1 + gap))


def test_the_gradient_goes_through_the_draw() -> None:
    """By hand: dz / dmean = 1 and dz / dlog_variance = deviation e / 2, and what the KL adds."""
    n = 6
    mean, log_variance, x = randn(n, 2), randn(n, 2, seed=1), randn(n, 3, seed=2)
    encoder = Constant(mean, log_variance)
    trainer = linear_vae(encoder)
    trainer.losses(x)["generator_loss"].backward()
    noise = torch.randn(n, 2, generator=make_rng(0, "codes", CPU))
    moved = (0.5 * log_variance).exp() * noise
    along_z = ((mean + moved) @ WEIGHT.T + BIAS - x) @ WEIGHT / DEVIATION**2
    of_mean = along_z + mean
    of_variance = along_z * moved / 2 + (log_variance.exp() - 1) / 2
    assert encoder.code.grad is not None
    torch.testing.assert_close(encoder.code.grad, torch.cat([of_mean, of_variance], 1) / n)


def test_the_gradient_is_that_of_the_expected_bound() -> None:
    """Its mean over many draws is the derivative of the closed form, so the estimate has no bias."""
    n, mean, log_variance, x = 400_000, torch.tensor([[0.4, -0.3]]), torch.tensor([[-0.5, 0.2]]), randn(1, 3)
    encoder = Constant(mean, log_variance)
    loss = linear_vae(encoder).losses(x.expand(n, -1))["generator_loss"]
    loss.backward()
    code = torch.cat([mean, log_variance], 1).requires_grad_(True)
    m, v = code[:, :2], code[:, 2:]
    spread = (v.exp() * WEIGHT.square().sum(0)).sum(1)  # E|W z + b - x|^2 = |W m + b - x|^2 + sum_j v_j |w_j|^2
    squares = (m @ WEIGHT.T + BIAS - x).square().sum(1) + spread
    (squares / (2 * DEVIATION**2) + gaussian_kl(m, v)).sum().backward()
    assert encoder.code.grad is not None
    assert code.grad is not None
    torch.testing.assert_close(encoder.code.grad, code.grad, atol=0.02, rtol=0.02)


def test_held_out_samples_have_noise_of_their_own_and_move_nothing() -> None:
    looked, alone = linear_vae(Constant(randn(1, 2), randn(1, 2))), linear_vae(Constant(randn(1, 2), randn(1, 2)))
    x = randn(8, 3)
    before = copy.deepcopy(looked.net.state_dict())
    for _ in range(3):
        found = looked.held_out_metrics(x)
        assert list(found) == ["held_out_loss"]
        assert found["held_out_loss"].isfinite()
    assert all(torch.equal(value, before[name]) for name, value in looked.net.state_dict().items())
    a, b = (trainer.losses(x)["generator_loss"] for trainer in (looked, alone))
    assert torch.equal(a, b)


def test_a_linear_vae_comes_to_the_likelihood_of_probabilistic_pca() -> None:
    """Its optimum in closed form (Tipping and Bishop 1999; Lucas et al. 2019, arXiv 1911.02469, theorem 1).

    Of a given deviation: the principal directions, with columns of length sqrt(variance - deviation^2).
    """
    rng = np.random.default_rng(0)
    turned = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    data = (rng.standard_normal((4000, 3)) * [2.0, 1.0, 0.4] @ turned.T + [1.0, 2.0, 3.0]).astype(np.float32)
    x = torch.from_numpy(data)
    values, vectors = torch.linalg.eigh(x.T.cov(correction=0))
    best = likelihood(marginal(vectors[:, 1:] * (values[1:] - DEVIATION**2).sqrt(), x.mean(0)), x)
    torch.manual_seed(0)
    rate = {"lr": {"kind": "linear", "start": 0.05, "end": 0.0, "until": 1.0}}
    trainer = linear_vae(nn.Linear(3, 4), randn(3, 2), torch.zeros(3), steps=800, generator_optimizer=rate)
    batches = Batches(data, 256, DataTransform("points", 1.0), 0, "order", CPU)
    for _ in range(800):
        trainer.train_step(batches)
    decoder = trainer.net.decoder
    assert isinstance(decoder, nn.Linear)
    with torch.no_grad():
        reached = likelihood(marginal(decoder.weight, decoder.bias), x)
        loss = np.mean([trainer.losses(x)["generator_loss"].item() for _ in range(20)])
    assert reached <= best + 1e-4
    assert reached == pytest.approx(best, abs=0.01)
    assert -loss == pytest.approx(best, abs=0.03)
