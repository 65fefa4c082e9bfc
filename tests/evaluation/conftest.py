"""The data that the tests of the evaluation share."""

from __future__ import annotations

import pytest
from evaluation_data import prepared_images, prepared_points

image_data = pytest.fixture(prepared_images)
point_data = pytest.fixture(prepared_points)
