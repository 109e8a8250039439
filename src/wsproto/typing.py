"""The types that the public signatures share."""

from __future__ import annotations

from typing import Union

Headers = list[tuple[bytes, bytes]]
"""HTTP header fields in order, as (name, value) pairs of bytes."""

BytesLike = Union[bytes, bytearray, memoryview]
"""What may stand where bytes are taken in."""
