"""Who may import whom, as CONTRIBUTING.md says, and how long a file may be."""

from __future__ import annotations

import re
from itertools import permutations
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
LAYERS = (
    {"utils", "statistics", "parts", "schedules", "critic", "kernels", "batches", "prepared"},
    {
        "objectives",
        "penalties",
        "constraints",
        "networks",
        "optimizers",
        "conditions",
        "distances",
        "augmentations",
        "data",
        "metrics",
    },
    {"algorithms"},
    {"config"},
    {"training", "report"},
    {"evaluation", "tracking", "export"},
    {"pipeline", "lecture", "tuning", "variance", "across"},
    {"cli", "stages"},
)
SIBLINGS = LAYERS[1]
# what a stage may know of tracking: how to keep its record
LAUNCH = {"ganpipe.tracking", "ganpipe.tracking.launch"}
LOGGING = {"train", "evaluate", "report"}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(
        "ganpipe", "stages", cache_dir=None, include_external_packages=True, exclude_type_checking_imports=True
    )


def unit(module: str) -> str:
    """The row of the table that a module belongs to."""
    first, _, rest = module.partition(".")
    return rest.partition(".")[0] if first == "ganpipe" else first


def ours(graph: grimp.ImportGraph) -> list[str]:
    return sorted(name for name in graph.modules if name.split(".")[0] in ("ganpipe", "stages"))


def closure(graph: grimp.ImportGraph, *modules: str) -> set[str]:
    """Everything that importing these modules loads."""
    found: set[str] = set()
    todo = list(modules)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += graph.find_modules_directly_imported_by(name)
            todo += [name.rpartition(".")[0]] if "." in name else []
    return found


def test_every_module_has_a_layer_and_the_table_names_it(graph: grimp.ImportGraph) -> None:
    known = set().union(*LAYERS)
    assert {unit(name) for name in ours(graph)} - {""} <= known
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\d) \| (.*?) \|", table, re.MULTILINE))
    for number, layer in enumerate(LAYERS):
        named = {name.strip("/") for name in re.findall(r"`(.+?)`", rows[str(number)])}
        assert named <= layer, f"CONTRIBUTING.md puts {named - layer} elsewhere"
        assert layer == named, f"CONTRIBUTING.md lacks {layer - named}"


def test_imports_go_downward_only(graph: grimp.ImportGraph) -> None:
    layer = {name: number for number, layer in enumerate(LAYERS) for name in layer}
    upward = [
        f"{importer} imports {imported}"
        for importer in ours(graph)
        for imported in graph.find_modules_directly_imported_by(importer)
        if unit(imported) in layer and layer[unit(imported)] > layer.get(unit(importer), 0)
    ]
    assert upward == []


def test_siblings_do_not_import_each_other(graph: grimp.ImportGraph) -> None:
    chains = [
        f"{one} imports {other}"
        for one, other in permutations(sorted(SIBLINGS), 2)
        if graph.direct_import_exists(importer=f"ganpipe.{one}", imported=f"ganpipe.{other}", as_packages=True)
    ]
    assert chains == []


def test_parts_of_one_kind_do_not_import_each_other(graph: grimp.ImportGraph) -> None:
    """Only their base and what they share under a name with an underscore."""
    between = [
        f"{part} imports {imported}"
        for part in ours(graph)
        if unit(part) in SIBLINGS - {"metrics"}
        for imported in graph.find_modules_directly_imported_by(part)
        if unit(imported) == unit(part)
        and imported not in {part, part.rpartition(".")[0], f"ganpipe.{unit(part)}"}
        and not imported.rpartition(".")[2].startswith("_")
    ]
    assert between == []


def test_no_module_imports_itself_by_a_detour(graph: grimp.ImportGraph) -> None:
    loops = [
        " -> ".join(chain)
        for name in ours(graph)
        for imported in sorted(graph.find_modules_directly_imported_by(name))
        if (chain := graph.find_shortest_chain(importer=imported, imported=name))
    ]
    assert loops == []


def test_training_knows_no_tracking_and_reports_no_torch(graph: grimp.ImportGraph) -> None:
    training = closure(graph, *(name for name in ours(graph) if unit(name) == "training"))
    assert not training & {"mlflow", "dvc", "grimp"}
    assert not {name for name in training if unit(name) == "tracking"}
    # the metrics take torch's products, but no network, and load it only then: tests/evaluation looks
    for part, never in (("report", {"torch", "torchvision"}), ("evaluation", {"torchvision"})):
        loaded = closure(graph, *(name for name in ours(graph) if unit(name) == part))
        assert not loaded & (never | {"mlflow", "dvc"}), part
    assert "mlflow" not in closure(graph, "stages.resolve")


@pytest.mark.parametrize(
    "stage",
    ["fingerprint", "prepare", "classifier", "reference_stats", "pretrain", "train", "evaluate", "summary", "report"],
)
def test_a_stage_loads_of_tracking_only_the_launch(graph: grimp.ImportGraph, stage: str) -> None:
    loaded = closure(graph, f"stages.{stage}")
    assert not loaded & {"mlflow", "dvc", "grimp"}
    assert {name for name in loaded if unit(name) == "tracking"} == (LAUNCH if stage in LOGGING else set())
    # no part by itself, only the packages and what their parts share: which parts there are is the variant's to say
    parts = {name for name in loaded if unit(name) in SIBLINGS - {"metrics"} and name.count(".") > 1}
    own = {name for name in parts if not name.rpartition(".")[2].startswith("_")}
    assert own <= {"ganpipe.networks.generators", "ganpipe.networks.critics", "ganpipe.algorithms.adversarial"}


def test_files_are_short() -> None:
    files = [path for top in ("ganpipe", "stages") for path in (ROOT / top).rglob("*.py")]
    assert len(files) > 60
    lines = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {name: count for name, count in lines.items() if count > 350} == {}
