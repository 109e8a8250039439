"""The opening handshake of an extra case: the request to a server, or the response to a client."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.extra import flipping
from harness.extra.deflating import NAME, NegotiationError, agreement, parse_extensions
from harness.extra.heads import EXTENSIONS, KEY, HeadFault, accept_token, response_fault
from harness.extra.wire import PIECE, head_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.extra.case import Case
    from harness.extra.deflating import Element
    from harness.extra.frames import Frame
    from harness.extra.heads import Head
    from harness.extra.memory import MemoryWatch
    from harness.extra.place import Place
    from harness.extra.seen import Seen
    from harness.extra.wire import Wire

FLOOD_SIZE = 32 * 2**20
"""Bytes of a head or body without end that are sent at most."""


class Opening:
    """Plays the handshake of a case, and notes in `seen` what the peer does in it.

    :param frames: gives the frames of a case that sends them in one piece with its head.
    """

    def __init__(self, case: Case, seen: Seen, frames: Callable[[], Iterable[Frame]]) -> None:
        self.case = case
        self.seen = seen
        self.heads = {"client": "", "server": ""}
        """The head of each side, as text."""
        self._frames = frames

    async def ask(self, wire: Wire, place: Place, timeout: float, watch: MemoryWatch | None) -> None:
        """Send the request and take the response."""
        key, host = base64.b64encode(os.urandom(16)).decode(), place.authority
        if self.case.mode:  # the path is the mode's
            place = replace(place, target="")
        request = place.asked(self.case.request)
        if self.case.deflate:
            offer = self.case.deflate.format(testee="server", harness="client")
            request = request.add(EXTENSIONS, offer)
        head = self.case.before + request.encode(host=host, key=key)
        self.heads["client"] = head_text(head)
        behind = place.asked(self.case.behind).encode(host=host, key=key) if self.case.behind else b""
        await self._send(wire, head, self.case.body + behind, watch)
        await self._take_response(wire, timeout, key)
        if behind and not self.seen.opened and self.seen.head:
            self.seen.next_head = await wire.read_next_head(timeout)
            self.seen.ended = "closed" if wire.ended else ""

    async def _take_response(self, wire: Wire, timeout: float, key: str) -> None:
        seen = self.seen
        head = await wire.read_head(timeout)
        while head and 100 <= head.status < 200 and head.status != 101:
            seen.interim.append(head.status)
            head = await wire.read_head(timeout)
        seen.head = head
        if head is None or head.status != 101:
            if self.case.expect.ends:
                await wire.wait_end(timeout)
            seen.ended = "closed" if wire.ended else ""
        if head:
            self.heads["server"] = head_text(head.encode())
            if head.status == 101:
                seen.opened = True
                self._blame(response_fault(head, key))
                self._take_answer(head)

    async def _send(self, wire: Wire, head: bytes, more: bytes, watch: MemoryWatch | None) -> None:
        """Send a head and what goes out in one piece with it; then what follows without end."""
        wire.note_head(head)
        if self.case.at_once:
            more += wire.encode(self._frames())
        if not self.case.flood:
            await wire.send(head + more, piece=1 if self.case.byte_by_byte else PIECE, head=len(head))
        else:
            if watch:
                watch.start()
            await wire.send(head + more, head=len(head))
            await wire.flood(self.case.flood, FLOOD_SIZE)
            self.seen.growth = await watch.stop() if watch else 0
        if self.case.eof:
            wire.close()

    def _blame(self, fault: HeadFault | None) -> None:
        if fault:
            self.seen.blame(fault.text)
            self.seen.head_fault = self.seen.head_fault or fault.field

    def _take_answer(self, head: Head) -> None:
        """Judge the server's answer to the offers."""
        if not self.case.expect.negotiates:
            return
        answers = parse_extensions(head.values(EXTENSIONS))
        answered = [name for name, _ in answers]
        offered = (self.case.fits or self.case.deflate).format(testee="server", harness="client")
        offers = [offer for offer in parse_extensions([offered]) if offer[0] in {NAME, flipping.NAME}]
        if len(set(answered)) < len(answered) or set(answered) - {name for name, _ in offers}:
            self._blame(HeadFault(EXTENSIONS, f"the answer has extensions that were not offered: {answers}"))
            return
        if {name for name, _ in offers} - set(answered):
            self.seen.lacking = f"The server declined the offer {offered!r}."
        for name, parameters in answers:
            if name == NAME:
                self._agree([offer for offer in offers if offer[0] == NAME], (name, parameters))
            elif parameters:
                self._blame(HeadFault(EXTENSIONS, f"{name} has no parameters, but got {parameters}"))
            else:
                self.seen.agree_to_flip()

    def _agree(self, offers: list[Element], answer: Element) -> None:
        """Take an answer that fits one of the offers."""
        faults = []
        for offer in offers:
            try:
                self.seen.agree(agreement(offer, answer))
            except NegotiationError as error:
                faults.append(str(error))
            else:
                return
        self._blame(HeadFault(EXTENSIONS, faults[0]))

    async def answer(self, wire: Wire, request: Head, watch: MemoryWatch | None) -> None:
        """Send the response to the client's request."""
        self.seen.head, self.seen.authority = request, wire.authority
        keys = request.values(KEY)
        response = self.case.response
        if self.case.deflate:
            response = response.add(EXTENSIONS, self._answer_to(request))
        if self.seen.lacking:
            return
        key = keys[0] if keys else ""
        accept = accept_token(key)
        head = response.encode(accept=accept, accept_lower=accept.lower(), key=key, host=self.seen.authority)
        self.heads["client"], self.heads["server"] = head_text(request.encode()), head_text(head)
        self.seen.opened = True
        await self._send(wire, self.case.interim + head, self.case.body, watch)

    def _answer_to(self, request: Head) -> str:
        """Return the case's answer, with the fields that the client's offer demands."""
        answer = self.case.deflate.format(testee="client", harness="server")
        if not self.case.expect.negotiates:
            return answer
        offers = parse_extensions(request.values(EXTENSIONS))
        return re.sub(r"[^ ,][^,]*", lambda element: self._fit(element[0], offers), answer)

    def _fit(self, answer: str, offers: list[Element]) -> str:
        """Return the answer to one extension, with the parameters that the client's offer demands."""
        name = answer.partition(";")[0].strip()
        offer = next((offer for offer in offers if offer[0] == name), None)
        if offer is None:
            self.seen.lacking = f"The client does not offer {name}."
            return answer
        if name == flipping.NAME:
            self.seen.agree_to_flip()
            return answer
        offered = dict(offer[1])
        if "server_no_context_takeover" in offered and "server_no_context_takeover" not in answer:
            answer += "; server_no_context_takeover"
        if "server_max_window_bits" in offered and "server_max_window_bits" not in answer:
            answer += f"; server_max_window_bits={offered['server_max_window_bits']}"
        try:
            self.seen.agree(agreement(offer, parse_extensions([answer])[0]))
        except NegotiationError:
            self.seen.lacking = f"The client's offer {offer} does not permit {answer!r}."
        return answer
