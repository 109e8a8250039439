"""The faults planted in the C: each can still be planted."""

from __future__ import annotations

import pytest

from fuzz.planted.core_faults import FAULTS, CoreFault
from fuzz.planted.fault import SOURCE


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_it_can_be_planted(fault: CoreFault) -> None:
    assert fault.planted() != (SOURCE / "core" / fault.file).read_text("utf-8")


def test_there_are_enough_and_in_every_file_that_reads_or_writes() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 25
    files = {file.name for file in (SOURCE / "core").glob("*.c")}
    assert {fault.file for fault in FAULTS} >= files - {"module.c"}
