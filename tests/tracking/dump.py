"""All that a store says, to compare two of them."""

from __future__ import annotations

from typing import Any

from ganpipe.tracking.content import KEY
from ganpipe.tracking.store import PARENT, Store


def dump(store: Store, times: bool = True) -> dict[str, dict[str, Any]]:
    """Every run that nobody deleted, by its name, without numbers of runs. times: of each metric, too."""
    runs = [run for run in store.runs("ring") if run.info.lifecycle_stage == "active"]
    names = {run.info.run_id: str(run.info.run_name) for run in runs}
    assert len({*names.values()}) == len(runs)
    return {names[run.info.run_id]: _of(store, run, names, times) for run in runs}


def _of(store: Store, run: Any, names: dict[str, str], times: bool) -> dict[str, Any]:
    run_id = run.info.run_id
    tags = dict(run.data.tags)
    assert KEY in tags
    history = {name: store.client.get_metric_history(run_id, name) for name in sorted(run.data.metrics)}
    return {
        "status": run.info.status,
        "start": run.info.start_time,
        "end": run.info.end_time,
        "params": run.data.params,
        "metrics": {
            name: [(m.step, m.value, m.timestamp if times else None) for m in found]
            for name, found in history.items()
            if not name.startswith("system/")
        },
        "tags": {key: value for key, value in tags.items() if key != PARENT},
        "parent": names.get(tags.get(PARENT, "")),
        "images": sorted(f.path.split("+timestamp")[0] for f in store.client.list_artifacts(run_id, "images")),
        "files": sorted(f.path for f in store.client.list_artifacts(run_id)),
        "data": [(one.dataset.name, one.dataset.digest) for one in run.inputs.dataset_inputs],
    }
