"""The types that the public signatures share."""

from __future__ import annotations

Headers = list[tuple[bytes, bytes]]
"""HTTP header fields in order (RFC 9110 5.3), as (name, value) pairs of bytes."""

BytesLike = bytes | bytearray | memoryview
"""The types that are accepted in place of bytes."""
