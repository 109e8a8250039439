"""The settings under which Hypothesis runs: the default ones, and `--hypothesis-profile=nightly`."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

EXAMPLES = 100
NIGHTLY_FACTOR = 100

# How long an example takes depends on who else uses the machine: no deadline, no complaint about slowness.
_COMMON = settings(
    deadline=None, derandomize=False, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)

settings.register_profile("everyday", _COMMON, max_examples=EXAMPLES)
settings.register_profile("nightly", _COMMON, max_examples=EXAMPLES * NIGHTLY_FACTOR)
settings.load_profile("everyday")
