"""What many tests are parametrised with."""

from __future__ import annotations

import pytest

from wsproto import ConnectionType

roles = pytest.mark.parametrize("role", ConnectionType, ids=lambda role: role.name.lower())
any_cut = pytest.mark.parametrize("cut", [False, True], ids=["whole", "byte by byte"])
