"""`ganpipe variants`: the variants and the parts that each combines."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from ganpipe.config.configuration import Configuration

AXES = ("objective", "augmentation", "generator", "critic", "algorithm")


def entries(chosen: Configuration) -> list[dict[str, Any]]:
    """What is shown of each variant on the chosen data, ready for JSON."""
    shape, classes = chosen.dataset.shape, chosen.num_classes()
    found: list[dict[str, Any]] = []
    for name in chosen.variants:
        variant = chosen.variant(name)
        found.append(
            {
                "variant": name,
                "title": variant.title,
                **{axis: getattr(variant, axis).kind for axis in AXES},
                "penalties": [penalty.kind for penalty in variant.penalties],
                "constraints": [constraint.kind for constraint in variant.constraints],
                "pretrain": variant.pretrain.steps,
                "steps": variant.steps,
                "not_applicable": variant.incompatibility(shape, classes),
                "selected": name == chosen.loss,
            }
        )
    return found


def print_table(found: Sequence[dict[str, Any]]) -> None:
    """One line a variant, * before the selected one."""
    console = Console(soft_wrap=not sys.stdout.isatty())
    # the name is what one types; on a narrow terminal the title gives way to it
    names = [Column(""), Column("variant", no_wrap=True), *([Column("title")] if console.width >= 120 else [])]
    table = Table(*names, "parts", "steps", box=None)
    for entry in found:
        reason = entry["not_applicable"]
        parts = [entry["objective"], *entry["penalties"], *entry["constraints"], entry["augmentation"]]
        parts += [f"{entry['generator']}/{entry['critic']}", entry["algorithm"]]
        cells = ["*" if entry["selected"] else "", entry["variant"], entry["title"]][: len(names)]
        cells.append(", ".join(part for part in parts if part not in ("none", "adversarial")))
        table.add_row(*cells, f"not applicable: {reason}" if reason else str(entry["steps"]))
    console.print(table, markup=False)
