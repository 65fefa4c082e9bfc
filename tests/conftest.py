"""For all tests: one thread, which is faster for tensors this small and leaves the other core to the processes."""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is imported, so here and not in a fixture
