"""How hard hypothesis tries: HYPOTHESIS_PROFILE=default|ci|thorough; CI takes `ci` by itself."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

SLOW_MACHINES = [HealthCheck.too_slow]  # a shared machine is no defect of the test

settings.register_profile("default", max_examples=100, deadline=None, suppress_health_check=SLOW_MACHINES)
settings.register_profile(
    "ci",
    max_examples=200,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=SLOW_MACHINES,
)
settings.register_profile("thorough", max_examples=5_000, deadline=None, suppress_health_check=SLOW_MACHINES)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default"))
