"""The public address of the extensions: their base, and each of this library by name."""

from __future__ import annotations

from .deflate import set_zlib_backend
from .extension import Extension
from .permessage_deflate import PerMessageDeflate

__all__ = ["SUPPORTED_EXTENSIONS", "Extension", "PerMessageDeflate", "set_zlib_backend"]

SUPPORTED_EXTENSIONS: dict[str, type[Extension]] = {PerMessageDeflate.name: PerMessageDeflate}
"""Every extension of this library, by name."""
