"""MLflow as a projection of the DVC state: the folders are the record, any run can be made from them again.

Importing this imports neither MLflow nor torch.
"""

from __future__ import annotations

from ganpipe.tracking.identity import identity
from ganpipe.tracking.launch import start_follower
from ganpipe.tracking.paths import find_root, store_uri
from ganpipe.tracking.projection import SyncReport, sync
from ganpipe.tracking.server import ui

__all__ = ["SyncReport", "find_root", "identity", "start_follower", "store_uri", "sync", "ui"]
