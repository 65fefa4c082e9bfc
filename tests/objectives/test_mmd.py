"""GANs of a mean discrepancy by hand: k(a) = 1 / (1 + a^2 / 2) with one shape of 1, which is 1 / 2 at root 2; -|a|."""

import pytest
import torch

from ganpipe.critic import CriticBatch, CriticOutput
from ganpipe.objectives import Objective
from ganpipe.objectives.cramer import Cramer
from ganpipe.objectives.mmd import MMDGAN

ROOT2 = 2**0.5
MMD, CRAMER = MMDGAN(kind="mmd", shapes=(1.0,)), Cramer(kind="cramer")


@pytest.mark.parametrize(
    ("objective", "real", "fake", "expected"),
    [
        (MMD, [0.0, 0.0], [ROOT2, ROOT2], [1.0, 1.0]),
        (MMD, [0.0, ROOT2], [0.0, ROOT2], [-0.5, -0.5]),  # without bias
        (MMD, [0.0, ROOT2], [0.0, 0.0], [0.0, 0.0]),
        (MMD, [0.0, 0.0], [ROOT2, 0.0], [0.5 + 1 - 2 * 0.5, 0.5 + 1 - 2]),
        (CRAMER, [0.0, 0.0], [3.0, 3.0], [6.0, 6.0]),
        (CRAMER, [0.0, 2.0], [0.0, 2.0], [-2.0, -2.0]),
        (CRAMER, [0.0, 2.0], [3.0, 7.0], [-4 - 2 + 2 * 2, -4 - 2 + 2 * 6]),
    ],
)
def test_by_hand(objective: Objective, real: list[float], fake: list[float], expected: list[float]) -> None:
    x, y = (torch.tensor(values)[:, None] for values in (real, fake))
    batch = CriticBatch(x, y, lambda x: CriticOutput(x[:, 0]))
    assert objective.generator(batch).tolist() == pytest.approx(expected, abs=1e-6)
    assert objective.critic(batch).tolist() == pytest.approx([-value for value in expected], abs=1e-6)
