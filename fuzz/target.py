"""The common part of the fuzz targets: instruments the library, runs a target under atheris.

A target is a program of its own, `python fuzz/targets/fuzz_NAME.py`, and a module: imported as
`fuzz.targets.fuzz_NAME` it instruments nothing and needs no atheris, so that an input can be replayed
anywhere.
"""

from __future__ import annotations

import base64
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

MISSING = "atheris is not installed: python -m pip install 'wsproto[fuzz]', on Python 3.11 to 3.14"
EXIT_MISSING = 3

INPUT = "The input in Base64: "
"""Begins the line with an input that raises: a disk may be full where libFuzzer writes it."""

PRINTED_BY_LIBFUZZER = 256
"""Bytes up to which libFuzzer prints an input by itself."""


def is_program() -> bool:
    """Tell whether this process runs a target, not something that imports one."""
    return Path(getattr(sys.modules["__main__"], "__file__", None) or "").stem.startswith("fuzz_")


def instrumented(*packages: str) -> AbstractContextManager[object]:
    """Instrument the imports inside of the context: atheris learns of their branches and comparisons.

    :param packages: the packages to instrument, with all their modules.
    """
    if not is_program():
        return nullcontext()
    os.environ.setdefault("WSPROTO_PURE", "1")  # atheris sees into Python alone; `cores` takes both by itself
    try:
        import atheris  # noqa: PLC0415 - an optional dependency
    except ModuleNotFoundError:
        print(MISSING, file=sys.stderr)
        sys.exit(EXIT_MISSING)
    return atheris.instrument_imports(include=list(packages))  # type: ignore[no-any-return]


def libfuzzer_mutation() -> Callable[[bytes, int], bytes]:
    """Return libFuzzer's own way to mutate some bytes, to at most so many: part of a `custom_mutator`."""
    import atheris  # noqa: PLC0415 - an optional dependency

    return atheris.Mutate  # type: ignore[no-any-return]


def main(
    test_one_input: Callable[[bytes], None],
    custom_mutator: Callable[[bytes, int, int], bytes] | None = None,
) -> None:
    """Fuzz, with libFuzzer's arguments from the command line; it ends the process.

    :param custom_mutator: makes a new input of at most so many bytes from an old one and a seed.
    """
    import atheris  # noqa: PLC0415 - an optional dependency

    def printed_where_it_raises(data: bytes) -> None:
        try:
            test_one_input(data)
        except BaseException:
            if len(data) > PRINTED_BY_LIBFUZZER:
                print(f"{INPUT}{base64.b64encode(data).decode()}", file=sys.stderr, flush=True)
            raise

    mutator = {} if custom_mutator is None else {"custom_mutator": custom_mutator}
    atheris.Setup(sys.argv, printed_where_it_raises, **mutator)
    atheris.Fuzz()
