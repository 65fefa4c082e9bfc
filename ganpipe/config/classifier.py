"""The classifier in whose features images are compared: `classifier` in params.yaml."""

from __future__ import annotations

from ganpipe.parts import Count, Frozen, Positive, Seed


class ClassifierParams(Frozen):
    """width: channels of the first layer, doubled in the second. embedding_dim: width of the layer whose output
    is the embedding."""

    width: Count
    embedding_dim: Count
    steps: Count
    batch: Count
    lr: Positive
    seed: Seed
