"""MLflow's own pages over our store, in a real browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_training import write_evaluation, write_run

from ganpipe.tracking.store import Store
from ganpipe.tracking.sync import sync
from ganpipe.tracking.ui import VIEW, links

BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BROWSER, reason="no Chromium: apt-get install chromium"),
]
PORT = 5173


@pytest.fixture
def address(root: Path, store: Store, tmp_path: Path) -> Iterator[str]:
    """Two variants of two seeds, served by `ganpipe ui`."""
    for variant, modes in (("lsgan", [8.0, 6.0]), ("wgan_gp", [7.0, 5.0])):
        for seed in (0, 1):
            write_run(root, variant, seed)
        write_evaluation(root, [*modes], variant)
    sync(root)
    environment = {**os.environ, "DVC_ROOT": str(root)}
    command = [sys.executable, "-m", "ganpipe.cli", "ui", "--port", str(PORT)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        deadline = time.monotonic() + 240
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health", timeout=5).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(1)
        yield f"http://127.0.0.1:{PORT}/#/"
        server.terminate()


def test_the_pages_show_variants_seeds_compared_and_samples(
    root: Path, store: Store, address: str, tmp_path: Path
) -> None:
    def shown(way: str, *names: str) -> None:
        """Wait for a page that has all of `names`: how far a page is when it is dumped depends on the machine."""
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
        options += ["--virtual-time-budget=60000", "--window-size=1500,5000", "--dump-dom"]
        deadline = time.monotonic() + 240
        while True:
            done = subprocess.run([BROWSER, *options, address + way], capture_output=True, text=True, timeout=300)
            missing = [name for name in names if name not in done.stdout]
            if not missing:
                return
            assert time.monotonic() < deadline, f"{way} lacks {missing}"

    shown(f"experiments?{VIEW}", "ganpipe/ring")
    (_, charts), (_, compared) = links(root, "ring", "lsgan")
    shown(f"{charts}&{VIEW}", "lsgan", "wgan_gp", "Group by", "Model metrics")
    shown(f"{compared}&{VIEW}", "lsgan/0", "lsgan/1", "train/critic_loss")
    (run,) = [run for run in store.runs("ring") if run.info.run_name == "lsgan/0"]
    shown(f"experiments/{run.info.experiment_id}/runs/{run.info.run_id}/model-metrics?{VIEW}", "samples")
