"""What to try where a training does not fit into memory."""

from __future__ import annotations

from ganpipe.config.variant import Variant


def oom_hint(variant: Variant, name: str, data: str) -> str:
    """A clause with a smaller legal batch, and the setting for it, which nothing else overrides."""
    batch, pack = variant.batch, getattr(variant.algorithm, "pack", 1)
    if phases := getattr(variant.algorithm, "phases", None):  # each has a batch; a list is replaced whole
        largest = max(phase.batch for phase in phases)
        return f"batches of up to {largest}: try {max(largest // 2, 2)} in `algorithm.phases`, or narrower networks"
    less = batch // 2 // pack * pack
    if less < 2 * max(pack, variant.generator.num_generators):  # as the rules of `variant` require
        return f"batch {batch}, the smallest: try narrower networks"
    setting = f"`dvc exp run summary -S variants/{name}.yaml:++overrides.{data}.batch={less}`"
    return f"batch {batch}: try {less}, as in {setting}, or narrower networks"
