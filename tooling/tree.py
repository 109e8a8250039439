"""Where the repository's files are: in a checkout, or inside of the package `wsproto_harness` that was installed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).absolute().parent.parent
"""The folder that has `tooling`, `harness` and what they need; as the import found it, symbolic links and all."""

IS_CHECKOUT: Final = (ROOT / "pyproject.toml").is_file()
"""Whether it is a checkout of the repository, which has the library, the fuzzers and their planted faults."""
