"""Watching a training: what its figures and samples say of it while it runs. A collapse is a result, not an error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganpipe.looks import STALLED
from ganpipe.metrics.modes import modes
from ganpipe.metrics.vendi import vendi
from ganpipe.prepared import PreparedDataset
from ganpipe.variant import Watch

EVERY = 50
"""Steps between two looks at the figures: whatever is not finite is found within so many. Looking costs a wait for the
device, and no figure depends on it: only at which step a training that is lost anyway is given up."""

MOST = 10_000
"""Samples of the data that its variance is taken of: with an error of about 1 %, where `watch.variance` is a factor."""

ALIKE = 500
"""Samples that are asked whether they are alike: their Vendi score takes a tenth of a second."""


@dataclass(frozen=True)
class Verdict:
    """kind: `not_finite`, `diverged`, `collapsed` or `stalled`. reason: one sentence with the figures. step: when."""

    kind: str
    reason: str
    step: int


class Watcher:
    """Judges one training. It reads figures and samples that are there anyway, and draws nothing itself.

    A training that is not finite can't be gone on with and ends; any other verdict is that of its last moment, as
    games come back from the edge.
    """

    def __init__(self, watch: Watch, data: PreparedDataset) -> None:
        self._watch, self._data = watch, data
        # data that is one sample over and over has none to compare with
        self._spread = _spread(data.train[:: max(1, len(data.train) // MOST)]) or 1.0
        # any of them: classes may take turns, or come one after the other
        self._real = data.test[np.random.default_rng(0).permutation(len(data.test))[:ALIKE]]
        self._before: NDArray[np.float64] | None = None
        self.verdict: Verdict | None = None
        self._figures: Verdict | None = None
        self._since: int | None = None

    @property
    def ended(self) -> bool:
        """Whether there is no point in another step."""
        return self.verdict is not None and self.verdict.kind == "not_finite"

    def state_dict(self) -> dict[str, Any]:
        verdicts = (verdict and asdict(verdict) for verdict in (self.verdict, self._figures))
        return dict(zip(("before", "since", "verdict", "figures"), (self._before, self._since, *verdicts), strict=True))

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._before, self._since = state_dict["before"], state_dict["since"]
        self.verdict, self._figures = (
            None if state_dict[name] is None else Verdict(**state_dict[name]) for name in ("verdict", "figures")
        )

    def figures(self, step: int, figures: dict[str, Tensor], now: bool = False) -> None:
        """Look at the figures of one step, each of shape (), at every EVERYth of them, or now."""
        if step % EVERY and step > 1 and not now:
            return
        values = dict(zip(figures, torch.stack([v.float() for v in figures.values()]).tolist(), strict=True))
        before, self._since, self._figures = self._since, None, None
        for name, value in values.items():
            if not math.isfinite(value):
                self.verdict = Verdict("not_finite", f"{name} is {value} at step {step}", step)
                return
            if abs(value) > self._watch.limit:
                self._since = step if before is None else before
                lasts = f", beyond {self._watch.limit:g} since step {self._since}" if self._since < step else ""
                self._figures = Verdict("diverged", f"{name} is {value:.3g} at step {step}{lasts}", step)

    def weights(self, step: int, nets: Mapping[str, nn.Module]) -> None:
        """Look at the generators, by name: an update may break them after figures that were fine, and their images
        would not tell, as what is no number becomes a pixel."""
        for name, net in nets.items():
            for key, value in net.state_dict().items():
                if not bool(torch.isfinite(value).all()):
                    said = f"{key} of the {name} generator is not finite at step {step}"
                    self.verdict = Verdict("not_finite", said, step)
                    return

    def moment(self, step: int, samples: NDArray[Any], shown: NDArray[Any]) -> dict[str, Tensor]:
        """Look at raw samples (N, ...) and at those of the fixed latents, in data space.

        Returns what the history records: `sample_variance`, over that of the data, and `sample_change`, how far the
        fixed samples moved since the moment before, over the data's deviation (not at the first moment);
        `sample_vendi`, over that of as many held-out samples (where no modes are known); `verdict`, 1 where there is
        one, 0 where the moment before had one.
        """
        fixed = shown.astype(np.float64)
        found = {"sample_variance": _spread(samples) / self._spread}
        if self._before is not None:
            found["sample_change"] = float(
                np.sqrt(((fixed - self._before) ** 2).mean() * math.prod(self._data.shape) / self._spread)
            )
        self._before = fixed
        if self._data.modes is None and math.isfinite(found["sample_variance"]):
            made, real = samples[: len(self._real)], self._real[: len(samples)]
            scores = [vendi(_flat(some), width=self._watch.width) for some in (made, real)]
            found["sample_vendi"] = scores[0] / scores[1]
        before, self.verdict = self.verdict, self._judged(step, samples, found)
        if before or self.verdict:
            found["verdict"] = float(self.verdict is not None)
        return {name: torch.tensor(value, dtype=torch.float32) for name, value in found.items()}

    def _judged(self, step: int, samples: NDArray[Any], found: dict[str, float]) -> Verdict | None:
        watch = self._watch
        if not math.isfinite(found["sample_variance"]):
            return Verdict("not_finite", f"samples are not finite at step {step}", step)
        if self._figures:
            return self._figures
        if found["sample_variance"] < watch.variance:
            said = f"the variance of the samples is {found['sample_variance']:.2g} times that of the data"
            return Verdict("collapsed", f"{said} at step {step}", step)
        if self._data.modes is not None and self._data.mode_std is not None:
            from scipy.special import bdtrc  # a tenth of a second, for data with modes alone

            shares = modes(samples, centres=self._data.modes, std=self._data.mode_std).shares
            there, of = int((shares * len(shares) > watch.present).sum()), len(shares)
            # so many samples may be too few to be near all of them, whoever makes them
            if there < watch.modes * of * bdtrc(math.floor(watch.present * len(samples) / of), len(samples), 1 / of):
                return Verdict("collapsed", f"samples are near {there} of {of} modes at step {step}", step)
        if found.get("sample_vendi", math.inf) < watch.vendi:
            said = f"the Vendi score of the samples is {found['sample_vendi']:.2g} times that of as many real ones"
            return Verdict("collapsed", f"{said} at step {step}", step)
        if found.get("sample_change", math.inf) < watch.change:
            said = f"the samples of the fixed latents moved by {found['sample_change']:.2g} deviations of the data"
            return Verdict(STALLED, f"{said} since the moment before step {step}", step)
        return None


def _spread(samples: NDArray[Any]) -> float:
    """The total variance: the sum over features of the variance over samples."""
    return float(_flat(samples).astype(np.float64).var(axis=0).sum())


def _flat(samples: NDArray[Any]) -> NDArray[Any]:
    return samples.reshape(len(samples), -1)
