"""The two roles that the library has in a run."""

from __future__ import annotations

from typing import Literal, get_args

Role = Literal["server", "client"]
"""The role of the library; the suite has the other one."""

ROLES: tuple[Role, ...] = get_args(Role)
