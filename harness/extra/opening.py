"""The opening handshake of an extra case: the request to a server, or the response to a client."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

from harness.extra.deflating import NAME, NegotiationError, agreement, parse_extensions
from harness.extra.heads import accept_token, response_fault
from harness.extra.wire import PIECE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.extra.case import Case
    from harness.extra.deflating import Element
    from harness.extra.frames import Frame
    from harness.extra.heads import Head
    from harness.extra.seen import Seen
    from harness.extra.wire import Wire


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

    async def ask(self, wire: Wire, host: str, timeout: float) -> None:
        """Send the request and take the response."""
        key = base64.b64encode(os.urandom(16)).decode()
        request = self.case.request
        if self.case.deflate:
            offer = self.case.deflate.format(testee="server", harness="client")
            request = request.add("Sec-WebSocket-Extensions", offer)
        sent = request.encode(host=host, key=key) + self.case.body
        self.heads["client"] = sent.decode("latin-1").strip()
        if self.case.at_once:
            sent += wire.encode(self._frames())
        await wire.send(sent, piece=1 if self.case.byte_by_byte else PIECE)
        head = await wire.read_head(timeout)
        while head and 100 <= head.status < 200 and head.status != 101:
            head = await wire.read_head(timeout)
        self.seen.head = head
        if head is None or head.status != 101:
            self.seen.ended = "closed" if wire.ended else ""
        if head:
            self.heads["server"] = head.written()
            if head.status == 101:
                self.seen.opened = True
                self.seen.blame(response_fault(head, key))
                self._take_answer(head)

    def _take_answer(self, head: Head) -> None:
        """Judge the server's answer to the offers."""
        if not self.case.expect.negotiates:
            return
        answers = parse_extensions(head.values("Sec-WebSocket-Extensions"))
        offered = (self.case.fits or self.case.deflate).format(testee="server", harness="client")
        offers = [offer for offer in parse_extensions([offered]) if offer[0] == NAME]
        if offers and not answers:
            self.seen.lacking = f"The server declined the offer {offered!r}."
        elif answers and (len(answers) > 1 or not offers):
            self.seen.blame(f"the answer has extensions that were not offered: {answers}")
        elif answers:
            self._agree(offers, answers[0])

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
        self.seen.blame(faults[0])

    async def answer(self, wire: Wire, request: Head) -> None:
        """Send the response to the client's request."""
        keys = request.values("Sec-WebSocket-Key")
        response = self.case.response
        if self.case.deflate:
            response = response.add("Sec-WebSocket-Extensions", self._answer_to(request))
        if self.seen.lacking:
            return
        key = keys[0] if keys else ""
        sent = response.encode(accept=accept_token(key), key=key)
        self.heads["client"], self.heads["server"] = request.written(), sent.decode("latin-1").strip()
        self.seen.opened = True
        sent = self.case.interim + sent
        if self.case.at_once:
            sent += wire.encode(self._frames())
        await wire.send(sent, piece=1 if self.case.byte_by_byte else PIECE)

    def _answer_to(self, request: Head) -> str:
        """Return the case's answer, with the fields that the client's offer demands."""
        answer = self.case.deflate.format(testee="client", harness="server")
        if not self.case.expect.negotiates:
            return answer
        offers = [
            offer
            for offer in parse_extensions(request.values("Sec-WebSocket-Extensions"))
            if offer[0] == NAME
        ]
        if not offers:
            self.seen.lacking = "The client does not offer permessage-deflate."
            return ""
        offered = dict(offers[0][1])
        if "server_no_context_takeover" in offered and "server_no_context_takeover" not in answer:
            answer += "; server_no_context_takeover"
        if "server_max_window_bits" in offered and "server_max_window_bits" not in answer:
            answer += f"; server_max_window_bits={offered['server_max_window_bits']}"
        try:
            self.seen.agree(agreement(offers[0], parse_extensions([answer])[0]))
        except NegotiationError:
            self.seen.lacking = (
                f"The client's offer {request.values('Sec-WebSocket-Extensions')} does not permit {answer!r}."
            )
        return answer
