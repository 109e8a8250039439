"""Every input that once failed, replayed without atheris: `fuzz/regressions/TARGET-HASH`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fuzz.folders import PACKAGE, hash_of, inputs_in

if TYPE_CHECKING:
    from pathlib import Path

FILES = inputs_in([PACKAGE.regressions])


def test_there_are_some() -> None:
    assert FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_it_fails_no_more(file: Path) -> None:
    data = file.read_bytes()
    target = PACKAGE.target_of(file)
    assert file.name == f"{target.name}-{hash_of(data)}"
    target.load().test_one_input(data)
