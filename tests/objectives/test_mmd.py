"""MMD GAN by hand: k(a) = 1 / (1 + a^2 / 2) with one shape of 1, which is 1 / 2 at root 2."""

import pytest
import torch

from ganpipe.critic import CriticBatch, CriticOutput
from ganpipe.objectives.mmd import MMDGAN

ROOT2 = 2**0.5


@pytest.mark.parametrize(
    ("real", "fake", "expected"),
    [
        ([0.0, 0.0], [ROOT2, ROOT2], [1.0, 1.0]),
        ([0.0, ROOT2], [0.0, ROOT2], [-0.5, -0.5]),  # without bias
        ([0.0, ROOT2], [0.0, 0.0], [0.0, 0.0]),
        ([0.0, 0.0], [ROOT2, 0.0], [0.5 + 1 - 2 * 0.5, 0.5 + 1 - 2]),
    ],
)
def test_by_hand(real: list[float], fake: list[float], expected: list[float]) -> None:
    x, y = (torch.tensor(values)[:, None] for values in (real, fake))
    batch = CriticBatch(x, y, lambda x: CriticOutput(x[:, 0]))
    objective = MMDGAN(kind="mmd", shapes=(1.0,))
    assert objective.generator(batch).tolist() == pytest.approx(expected, abs=1e-6)
    assert objective.critic(batch).tolist() == pytest.approx([-value for value in expected], abs=1e-6)
