"""A Gaussian mixture by maximum likelihood: expectation maximisation, by scikit-learn."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganpipe.networks import Shape
from ganpipe.networks.generators.gmm import GMMGenerator
from ganpipe.networks.generators.gmm import Mixture as MixtureModule
from ganpipe.procedures.gmm import GMM
from ganpipe.training.batches import Batches
from ganpipe.training.protocol import Figures, Training
from ganpipe.training.streams import stream
from ganpipe.variant import Runtime, Variant


class Game(Training):
    """Each step is one iteration on the whole training data, so `batch` and the optimisers say nothing here.

    Maximum likelihood is min KL(p_data || p_theta). There is nothing to average: `ema` is the same mixture as `raw`.
    """

    def __init__(
        self, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: dict[str, Tensor] | None
    ) -> None:
        from sklearn.mixture import GaussianMixture

        super().__init__(variant, shape, runtime, seed, pretrained)
        generator, procedure = variant.generator, variant.procedure
        assert isinstance(generator, GMMGenerator)
        assert isinstance(procedure, GMM)
        self.generator = generator.build(variant.latent.size, shape).to(self.device)
        self._threads, self._data = runtime.threads, np.empty((0, 0))
        self.model = GaussianMixture(
            generator.components,
            covariance_type=generator.covariance,
            reg_covar=procedure.floor,
            max_iter=1,
            n_init=procedure.restarts,
            init_params="kmeans",
            random_state=stream(seed, "mixture", torch.device("cpu")).initial_seed() % 2**32,
            warm_start=True,  # each fit goes on from the last one
        )

    def step(self, batches: Batches) -> Figures:
        from sklearn.exceptions import ConvergenceWarning
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        if not len(self._data):
            self._data = np.concatenate([_flat(real) for real in batches.everything()])
        with warnings.catch_warnings(), threadpool_limits(self._threads):  # numpy's threads, whose number shows in bits
            warnings.simplefilter("ignore", ConvergenceWarning)  # one iteration at a time never converges
            self.model.fit(self._data)
        return {"generator_loss": torch.tensor(-self.model.lower_bound_, dtype=torch.float32)}

    def held_out(self, real: Tensor) -> Figures:
        """The mean log-likelihood in nats per sample, in the networks' space; the loss is minus the data's."""
        return {"held_out_log_likelihood": torch.tensor(self.model.score(_flat(real)), dtype=torch.float32)}

    def settle(self, batches: Batches) -> None:
        net = self.generator
        assert isinstance(net, MixtureModule)
        factors = np.linalg.cholesky(full_covariances(self.model))
        for buffer, value in (
            (net.weights, self.model.weights_),
            (net.means, self.model.means_),
            (net.factors, factors),
        ):
            buffer.copy_(torch.from_numpy(value))

    def generators(self) -> dict[str, nn.Module]:
        return {"raw": self.generator, "ema": self.generator}


def full_covariances(model: Any) -> Any:
    """The covariances of a fitted mixture as (K, D, D), whatever their type."""
    (components, features), found = model.means_.shape, model.covariances_
    if model.covariance_type == "tied":
        return np.broadcast_to(found, (components, features, features))
    if model.covariance_type == "spherical":
        found = np.repeat(found[:, None], features, axis=1)
    return found if found.ndim == 3 else found[:, :, None] * np.eye(features)


def _flat(real: Tensor) -> Any:
    return real.flatten(1).double().cpu().numpy()
