"""Makes a sequence smaller as long as it finds the same fault: fewer frames, shorter payloads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.extra.heads import EXTENSIONS, REQUEST
from harness.fuzzing.requests import ODDITIES
from tooling.frames import CLOSE, CONTINUATION, MASK

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from harness.fuzzing.sequence import Sent, Sequence


async def smaller(sequence: Sequence, finds: Callable[[Sequence], Awaitable[bool]], plays: int) -> Sequence:
    """Return a sequence that finds the same, made smaller by that many plays at most.

    :param finds: plays a sequence, and tells whether it finds the same.
    """
    improved = True
    while improved:
        improved = False
        for candidate in _candidates(sequence):
            if plays <= 0:
                return sequence
            plays -= 1
            if await finds(candidate):
                sequence, improved = candidate, True
                break
    return sequence


def _candidates(sequence: Sequence) -> Iterator[Sequence]:
    """Yield simpler sequences, those first that save most."""
    frames = sequence.frames
    size = 2 * len(frames)
    yield from _with_one_oddity(sequence)
    while size := size // 2:
        for start in range(0, len(frames), size):
            yield replace(sequence, frames=frames[:start] + frames[start + size :])
    if sequence.cut:
        yield replace(sequence, cut=0)
    for offer in sequence.request.values(EXTENSIONS):
        for simpler_offer in _simpler_offers(offer):
            yield replace(sequence, request=sequence.request.put(EXTENSIONS, simpler_offer))
    if (
        sequence.request != REQUEST
        and sequence.wanted != "refuse"
        and not any(frame.form for frame in frames)
    ):
        yield replace(sequence, request=REQUEST, oddity="", wanted="accept")
    if any(frame.waits for frame in frames):
        yield replace(sequence, frames=tuple(replace(frame, waits=False) for frame in frames))
    yield from _with_simpler_frames(sequence)


def _with_one_oddity(sequence: Sequence) -> Iterator[Sequence]:
    """Yield it with each of several oddities of its request alone."""
    names = sequence.oddity.split(" and ")
    for oddity in ODDITIES:
        if len(names) > 1 and oddity.words in names:
            request, words = oddity.change(REQUEST), oddity.words
            yield replace(sequence, request=request, wanted=oddity.wanted, rule=oddity.rule, oddity=words)


def _with_simpler_frames(sequence: Sequence) -> Iterator[Sequence]:
    """Yield it with one frame simpler."""
    frames = sequence.frames
    for at, frame in enumerate(frames):
        for simpler in _simpler(frame, frames[at + 1 :]):
            rest = frames[at + 1 :] if simpler.fin == frame.fin else frames[at + 2 :]
            yield replace(sequence, frames=(*frames[:at], simpler, *rest))


def _simpler_offers(offer: str) -> Iterator[str]:
    """Yield each offer of several alone, or an offer without one of its parameters."""
    offers = [one.strip() for one in offer.split(",")]
    if len(offers) > 1:
        yield from offers
        return
    name, *parameters = [part.strip() for part in offer.split(";")]
    for at in range(len(parameters)):
        yield "; ".join([name, *parameters[:at], *parameters[at + 1 :]])


def _simpler(frame: Sent, rest: tuple[Sent, ...]) -> Iterator[Sent]:
    """Yield simpler forms of a frame; a fragment that becomes whole stands for the next one, too."""
    if frame.form:
        yield replace(frame, form="")
    if not frame.fin and rest and rest[0].opcode == CONTINUATION and rest[0].form == frame.form:
        both = frame.payload + rest[0].payload
        if rest[0].fin:
            yield replace(frame, payload=both, fin=True, length_form=None)
    if frame.declared is None and frame.length_form == replace(frame, length_form=None).length_form:
        for payload in _shorter(frame):
            yield replace(frame, payload=payload, length_form=None)
    if frame.mask != MASK:
        yield replace(frame, mask=MASK)


def _shorter(frame: Sent) -> Iterator[bytes]:
    payload = frame.payload
    if frame.opcode == CLOSE:
        if len(payload) > 2:
            yield payload[:2]
        return
    if len(payload) > 1:
        yield b"a"
        yield payload[: len(payload) // 2]
    if payload and payload != b"a" * len(payload):
        yield b"a" * len(payload)
    if len(payload) > 8:
        yield payload[: -(len(payload) // 8)]
    if payload:
        yield b""
