"""What many tests are parametrised with."""

from __future__ import annotations

import pytest

from wsproto import ConnectionType, compiled

roles = pytest.mark.parametrize("role", ConnectionType, ids=lambda role: role.name.lower())
any_cut = pytest.mark.parametrize("cut", [False, True], ids=["whole", "byte by byte"])

#: It counts calls of Python, or looks into objects, where only the core in Python has either.
pure_core = pytest.mark.skipif(
    compiled, reason="about the core in Python, which WSPROTO_PURE=0 does not take"
)
compiled_core = pytest.mark.skipif(not compiled, reason="about the compiled core, which WSPROTO_PURE=0 takes")
