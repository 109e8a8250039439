"""The planted faults that no case can see, each with the reason; `harness plant` expects them."""

from __future__ import annotations

from typing import Final

UNSEEN: Final[dict[str, str]] = {}
"""Why the wire cannot show a fault, by the name of the fault."""
