"""The two roles that the library has in a run."""

from __future__ import annotations

from typing import Literal, get_args

Role = Literal["server", "client"]
"""What the library is; the suite is the other."""

ROLES: tuple[Role, ...] = get_args(Role)
