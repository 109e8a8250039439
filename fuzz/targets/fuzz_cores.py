#!/usr/bin/env python3
"""The same bytes and calls to the compiled core and to the one in Python: the same in every respect.

The input is a number of calls, the calls, and what a frames target takes (`fuzz.frames`). The two cores are
two copies of the library (`tooling.cores`). Where the compiled one was not built, a line says so.
"""

import sys
from dataclasses import asdict
from pathlib import Path
from random import Random

if __name__ == "__main__" and not hasattr(sys, "frozen"):
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # a program gets its own folder there

from fuzz.target import EXIT_MISSING, instrumented, is_program, libfuzzer_mutation, main

with instrumented("wsproto"):
    from fuzz import frames
    from fuzz.frames import CHOICES, LIMITS, limits_shown, reads_shown
    from fuzz.structured import Mutator
    from tests.oracle.two_cores import CALLS, Setting, assert_same, copies
    from tooling.cores import NOT_BUILT
    from tooling.mutation import cut

    if is_program():
        try:
            copies()
        except ImportError:
            print(NOT_BUILT, file=sys.stderr)
            sys.exit(EXIT_MISSING)

MOST_CALLS = 31


def _calls(data: bytes) -> bytes:
    return data[1 : 1 + data[0] % (MOST_CALLS + 1)] if data else b""


def _rest(data: bytes) -> bytes:
    return data[1 + len(_calls(data)) :]


def _setting(flags: int, limits: int) -> Setting:
    extension = "none"
    if flags & frames.DEFLATE:
        extension = "deflate"
        if flags & frames.NO_TAKEOVER:
            extension = "deflate, anew each time"
        elif flags & frames.SMALL_WINDOW:
            extension = "deflate, small window"
    elif flags & frames.INERT:
        extension = "sends" if flags & frames.NO_TAKEOVER else "inert"
    return Setting(
        client=bool(flags & frames.CLIENT),
        extension=extension,
        limits=asdict(LIMITS[limits % len(LIMITS)]),
        codec_alone=bool(flags & frames.TOGETHER),
        sends_for_keys=bool(flags & frames.ONE_BY_ONE),
    )


def stream_of(data: bytes) -> bytes:
    """Return the bytes that the peer writes, to show the frames of an input."""
    return _rest(data)[CHOICES:]


def choices_of(data: bytes) -> list[str]:
    """Say what the choices of an input mean, a line each."""
    rest = _rest(data)
    if len(rest) < CHOICES:
        return []
    setting = _setting(rest[0], rest[1])
    return [
        f"role: {'client' if setting.client else 'server'}",
        f"extension: {setting.extension}",
        f"limits: {limits_shown(LIMITS[rest[1] % len(LIMITS)])}",
        f"reads: {reads_shown(cut(rest[CHOICES:], rest[2]))}",
        f"a codec without a connection: {'yes' if setting.codec_alone else 'no'}",
        f"a Ping is sent while keys are drawn: {'yes' if setting.sends_for_keys else 'no'}",
        f"calls, one after each read: {', '.join(CALLS[call % len(CALLS)][0] for call in _calls(data))}",
    ]


def test_one_input(data: bytes) -> None:
    """Compare what both cores make of `data`."""
    rest = _rest(data)
    if len(rest) >= CHOICES:
        assert_same(_setting(rest[0], rest[1]), cut(rest[CHOICES:], rest[2]), _calls(data))


def custom_mutator(data: bytes, max_size: int, seed: int) -> bytes:
    """Return `data` with other calls, with some of its frames changed, or with any bytes changed."""
    random = Random(seed)
    mutate = libfuzzer_mutation()
    way = random.randrange(4)
    if way == 0:
        return mutate(data, max_size)
    calls, rest = _calls(data), _rest(data)
    if way == 1:
        calls = bytes(random.randrange(len(CALLS)) for _ in range(random.randrange(MOST_CALLS + 1)))
    else:
        rest = Mutator(rest, random, mutate).mutated(max(CHOICES, max_size - 1 - len(calls)))
    return (bytes((len(calls),)) + calls + rest)[:max_size]


if __name__ == "__main__":
    main(test_one_input, custom_mutator)
