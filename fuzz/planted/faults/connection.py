"""Faults of `connection.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "connection.py"

FAULTS: Final = (
    Fault(
        "the transport is to be ended with the first Close",
        "RFC 6455 7.1.1",
        _FILE,
        "Ending.END if self._state is ConnectionState.CLOSED else Ending.NONE",
        "Ending.END if self._state is not ConnectionState.OPEN else Ending.NONE",
    ),
    Fault(
        "what the state refuses has gone through compressor and masking first",
        "a refused send changes nothing",
        _FILE,
        "        if next_state is None:\n            raise",
        "        if next_state is None:\n            self._encoder.send(event)\n            raise",
    ),
    Fault(
        "end of file is told with each call of events()",
        "RFC 6455 7.1.5",
        _FILE,
        "closure, self._abnormal_closure = self._abnormal_closure, None",
        "closure = self._abnormal_closure",
    ),
    Fault(
        "end of file overtakes what came before it",
        "RFC 6455 7.1.5",
        _FILE,
        "            if self._decoder.drained:\n",
        "            if self._state is not ConnectionState.CLOSED:\n",
    ),
    Fault(
        "nothing received is refused at the end of a connection",
        "Connection.receive_data",
        _FILE,
        "        elif data:\n",
        "        else:\n",
    ),
)
