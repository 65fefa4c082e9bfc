"""Health checks of a running training: are its metrics finite, do its samples vary, do they still change?

A collapse is a result, not an error: the training goes on, and its status says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganpipe.config.variant import Health
from ganpipe.metrics.modes import modes
from ganpipe.metrics.vendi import vendi
from ganpipe.prepared import PreparedDataset
from ganpipe.utils.conventions import ACTIVE_HINGE, GRADIENT, MARGIN_INACTIVE, STALLED

EVERY = 50
"""Steps between two checks of the metrics. A check waits for the device; no result depends on when it is made, but for
the step at which a training ends whose metrics are not finite."""

MAX_VARIANCE_SAMPLES = 10_000
"""Samples of the data for its variance: with an error of about 1 %, and the threshold is a factor."""

NUM_VENDI_SAMPLES = 500
"""Samples for the Vendi score, which takes a tenth of a second for so many."""


@dataclass(frozen=True)
class RunStatus:
    """kind: `not_finite`, `diverged`, `collapsed`, `stalled` or `margin_inactive`. reason: a sentence with the values.
    step: when."""

    kind: str
    reason: str
    step: int


class HealthMonitor:
    """The status of one training, from its metrics and samples; None while it is healthy.

    Only a training that is not finite ends early (`failed`). Any other status is that of the last snapshot, as GANs
    recover.
    """

    def __init__(self, thresholds: Health, data: PreparedDataset) -> None:
        self._thresholds, self._data = thresholds, data
        # a data set of one sample, repeated, has variance 0
        self._variance = _total_variance(data.train[:: max(1, len(data.train) // MAX_VARIANCE_SAMPLES)]) or 1.0
        # held-out samples in random order, as they may be sorted by class
        self._real = data.test[np.random.default_rng(0).permutation(len(data.test))[:NUM_VENDI_SAMPLES]]
        self._previous: NDArray[np.float64] | None = None
        self._diverged: RunStatus | None = None
        self._diverged_since: int | None = None
        self._active_hinge: list[float] = []  # since the last snapshot
        self.status: RunStatus | None = None

    @property
    def failed(self) -> bool:
        """Whether another step makes no sense."""
        return self.status is not None and self.status.kind == "not_finite"

    def state_dict(self) -> dict[str, Any]:
        status, diverged = (one and asdict(one) for one in (self.status, self._diverged))
        return {
            "previous": self._previous,
            "since": self._diverged_since,
            "active_hinge": self._active_hinge,
            "status": status,
            "diverged": diverged,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._previous, self._diverged_since = state_dict["previous"], state_dict["since"]
        self._active_hinge = state_dict["active_hinge"]
        self.status, self._diverged = (
            None if state_dict[name] is None else RunStatus(**state_dict[name]) for name in ("status", "diverged")
        )

    def check(self, step: int, metrics: dict[str, Tensor], generators: Mapping[str, nn.Module] | None) -> None:
        """Check the metrics of a step, each of shape (), at every EVERYth step, and whenever generators are given.

        The generators' weights are checked as well: metrics are those from before the update, and in images NaN would
        become a black pixel.
        """
        if step % EVERY and step > 1 and generators is None:
            return
        metrics = {name: value for name, value in metrics.items() if not name.endswith(GRADIENT)}  # those of rows alone
        values = dict(zip(metrics, torch.stack([v.detach().float() for v in metrics.values()]).tolist(), strict=True))
        self._active_hinge += [values[ACTIVE_HINGE]] if ACTIVE_HINGE in values else []
        since, self._diverged_since, self._diverged = self._diverged_since, None, None
        for name, value in values.items():
            if not math.isfinite(value):
                self.status = RunStatus("not_finite", f"{name} is {value} at step {step}", step)
                return
            if abs(value) > self._thresholds.divergence_threshold:
                self._diverged_since = step if since is None else since
                lasts = f", beyond {self._thresholds.divergence_threshold:g} since step {self._diverged_since}"
                reason = f"{name} is {value:.3g} at step {step}{lasts if self._diverged_since < step else ''}"
                self._diverged = RunStatus("diverged", reason, step)
        for name, net in (generators or {}).items():
            for key, weight in net.state_dict().items():
                if not bool(torch.isfinite(weight).all()):
                    reason = f"{key} of the {name} generator is not finite at step {step}"
                    self.status = RunStatus("not_finite", reason, step)
                    return

    def check_samples(self, step: int, samples: NDArray[Any], fixed: NDArray[Any]) -> dict[str, Tensor]:
        """Check a snapshot: raw samples (N, ...), and those of the fixed latents, both in data space.

        Returns metrics for the history. sample_variance: the total variance over that of the data. sample_change: the
        root mean square by which the samples of the fixed latents moved since the last snapshot, in standard deviations
        of the data (not at the first snapshot). sample_vendi: the Vendi score over that of as many held-out samples
        (where the data have no known modes). status: 1 with a status, 0 where the last snapshot had one.
        """
        fixed = fixed.astype(np.float64)
        metrics = {"sample_variance": _total_variance(samples) / self._variance}
        if self._previous is not None:
            squares = ((fixed - self._previous) ** 2).mean() * math.prod(self._data.shape)
            metrics["sample_change"] = float(np.sqrt(squares / self._variance))
        self._previous = fixed
        if self._data.modes is None and math.isfinite(metrics["sample_variance"]):
            fake, real = samples[: len(self._real)], self._real[: len(samples)]
            scores = [vendi(_flat(x), bandwidth=self._thresholds.vendi_bandwidth) for x in (fake, real)]
            metrics["sample_vendi"] = scores[0] / scores[1]
        before, self.status = self.status, self._status(step, samples, metrics)
        self._active_hinge = []
        if before or self.status:
            metrics["status"] = float(self.status is not None)
        return {name: torch.tensor(value, dtype=torch.float32) for name, value in metrics.items()}

    def _status(self, step: int, samples: NDArray[Any], metrics: dict[str, float]) -> RunStatus | None:
        thresholds = self._thresholds
        if not math.isfinite(metrics["sample_variance"]):
            return RunStatus("not_finite", f"samples are not finite at step {step}", step)
        if self._diverged:
            return self._diverged
        if metrics["sample_variance"] < thresholds.min_variance_ratio:
            reason = f"the variance of the samples is {metrics['sample_variance']:.2g} times that of the data"
            return RunStatus("collapsed", f"{reason} at step {step}", step)
        if self._data.modes is not None and self._data.mode_std is not None:
            present, expected, number = self._modes(samples)
            if present < thresholds.min_mode_fraction * expected:
                return RunStatus("collapsed", f"samples are near {present} of {number} modes at step {step}", step)
        if metrics.get("sample_vendi", math.inf) < thresholds.min_vendi_ratio:
            reason = f"the Vendi score of the samples is {metrics['sample_vendi']:.2g} times that of as many real ones"
            return RunStatus("collapsed", f"{reason} at step {step}", step)
        if metrics.get("sample_change", math.inf) < thresholds.stall_threshold:
            reason = f"samples of fixed latents moved by {metrics['sample_change']:.2g} standard deviations of the data"
            return RunStatus(STALLED, f"{reason} since the snapshot before step {step}", step)
        active = float(np.mean(self._active_hinge)) if self._active_hinge else 1.0
        if active < thresholds.min_active_hinge:
            reason = (
                f"the critic learns nothing from {100 * (1 - active):.0f} % of the samples, as their energies are above"
            )
            return RunStatus(MARGIN_INACTIVE, f"{reason} its margin, since the snapshot before step {step}", step)
        return None

    def _modes(self, samples: NDArray[Any]) -> tuple[int, float, int]:
        """How many modes have at least `present` times their share of the samples; as many of exact samples; of all."""
        from scipy.special import bdtrc  # imported here: it takes a tenth of a second

        assert self._data.modes is not None
        assert self._data.mode_std is not None
        shares = modes(samples, centres=self._data.modes, std=self._data.mode_std).shares
        n, number = len(samples), len(shares)
        present = int((shares * number > self._thresholds.mode_presence).sum())
        # a count is binomial: P(count > present * n / number)
        expected = number * bdtrc(math.floor(self._thresholds.mode_presence * n / number), n, 1 / number)
        return present, expected, number


def _total_variance(samples: NDArray[Any]) -> float:
    """The sum over features of the variance over samples."""
    return float(_flat(samples).astype(np.float64).var(axis=0).sum())


def _flat(samples: NDArray[Any]) -> NDArray[Any]:
    return samples.reshape(len(samples), -1)
