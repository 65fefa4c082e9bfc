"""A Gaussian mixture by maximum likelihood: expectation maximisation, by scikit-learn."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganpipe.networks import Shape
from ganpipe.networks.generators.gmm import GMMGenerator, Mixture
from ganpipe.procedures.gmm import GMM
from ganpipe.training.batches import Batches
from ganpipe.training.protocol import Figures, Training
from ganpipe.training.streams import stream
from ganpipe.variant import Runtime, Variant


class Game(Training):
    """Each step is one iteration on the whole training data, so `batch` and the optimisers say nothing here.

    Maximum likelihood is min KL(p_data || p_theta) (Goodfellow 2016, arXiv 1701.00160, equation 4). The steps after
    another are one run of scikit-learn's EM. There is nothing to average: `ema` is the same mixture as `raw`.
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
        """generator_loss: minus the mean log-likelihood in nats per sample, of the mixture before the iteration.

        Raises ValueError where there are fewer samples than components.
        """
        if not len(self._data):
            self._data = np.concatenate([_flat(real) for real in batches.everything()])
        with _threads(self._threads), warnings.catch_warnings():
            warnings.simplefilter("ignore", _convergence_warning())  # one iteration at a time never converges
            self.model.fit(self._data)
        return {"generator_loss": torch.tensor(-self.model.lower_bound_, dtype=torch.float32)}

    def held_out(self, real: Tensor) -> Figures:
        """held_out_loss: the same of samples that are not in the training data, after the iteration."""
        with _threads(self._threads):
            return {"held_out_loss": torch.tensor(-self.model.score(_flat(real)), dtype=torch.float32)}

    def settle(self, batches: Batches) -> None:
        assert isinstance(self.generator, Mixture)
        model = self.model
        self.generator.take(*(torch.from_numpy(x) for x in (model.weights_, model.means_, model.covariances_)))

    def state_dict(self) -> dict[str, Any]:
        fitted = {name: value for name, value in vars(self.model).items() if name.endswith("_")}
        return {name: value.item() if isinstance(value, np.generic) else value for name, value in fitted.items()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        vars(self.model).update(state_dict)

    def generators(self) -> dict[str, nn.Module]:
        return {"raw": self.generator, "ema": self.generator}


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """So many threads for what torch does not compute: their number shows in the bits of a sum."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(number):
        yield


def _convergence_warning() -> type[Warning]:
    from sklearn.exceptions import ConvergenceWarning

    found: type[Warning] = ConvergenceWarning
    return found


def _flat(real: Tensor) -> Any:
    """(N, *shape) to (N, D), in double precision."""
    return real.flatten(1).cpu().double().numpy()
