"""Where the repository's files are: in a checkout, or inside of the installed package `wsproto_harness`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).absolute().parent.parent
"""The folder that has `tooling`, `harness` and what they need, with the symbolic links of the import."""

IS_CHECKOUT: Final = (ROOT / "pyproject.toml").is_file()
"""Whether it is a checkout of the repository, which has the library, the fuzzers and their planted faults."""
