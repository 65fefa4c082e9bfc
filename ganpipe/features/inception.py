"""InceptionV3 of 2015, the network of the published Fréchet and Inception scores (Heusel et al. 2017)."""

from __future__ import annotations

from ganpipe.features import Extract, Surroundings, _fidelity

RESIZER = "bilinear as in TensorFlow 1, to 299 pixels"
FILE = "checkpoints/weights-inception-2015-12-05-6726825d.pth"


def open_network(surroundings: Surroundings) -> Extract:
    return _fidelity.network("inception", "inception-v3-compat", "2048", FILE, "6726825d", surroundings)
