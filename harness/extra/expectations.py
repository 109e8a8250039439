"""The duty of a peer in a case, and the verdict on it in Autobahn's terms.

A peer that breaks a MUST of an RFC gets the verdict FAILED, one that breaks a SHOULD gets NON-STRICT, and one
that declines an option gets UNIMPLEMENTED.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from harness.extra.frames import Frame
from tooling.frames import PING

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.extra.seen import Event, Seen

PROBE = Frame(PING, b"still open?")
"""Asks a peer that should have failed the connection; a Pong says that it has not."""

MAX_GROWTH = 64 * 2**20
"""Bytes by which the memory of a peer with a limit of 1 MiB may grow."""

NEED_NOT_ACCEPT = (
    "a server may refuse any request (RFC 6455 4.2.2: if it chooses to accept), "
    "though only the offer had to be declined"
)

Finding = tuple[str, str]
"""A verdict, and a sentence that says why."""


class Expectation(ABC):
    """The duty of a peer."""

    probes = False
    """Whether the harness sends a ping behind its frames, to ask if the connection is still open."""
    answered = True
    """Whether the handshake has to succeed."""
    negotiates = True
    """Whether both sides have to agree on an extension of the case."""
    ends_early = False
    """Whether the harness ends its direction at once."""
    ends = False
    """Whether a server that refuses the handshake has to end the TCP connection, too."""

    @abstractmethod
    def __str__(self) -> str:
        """Say it in a sentence."""

    def events(self) -> list[Event]:
        """List the messages and pongs that are expected."""
        return []

    def settled(self, seen: Seen) -> bool:
        """Tell whether nothing is left to wait for."""
        return seen.over

    @abstractmethod
    def judge(self, seen: Seen, unmet: str) -> Finding:
        """Return the verdict; `unmet` is the one on a peer that did nothing forbidden, but not this."""

    def judge_close(self, seen: Seen) -> Finding:
        """Return the verdict on the closing handshake."""
        if not seen.opened:
            return "OK", "There was no WebSocket connection to close."
        if seen.close is None:
            return "UNCLEAN", "The peer sent no Close."
        if not seen.in_time:
            return "UNCLEAN", "The server did not end the TCP connection (RFC 6455 7.1.1)."
        return "OK", f"The closing handshake was completed with the code {seen.code or 'none'}."


class Echoes(Expectation):
    """Messages come back as they are, and pings are answered; then the closing handshake is as usual."""

    def __init__(
        self,
        *messages: str | bytes,
        pongs: tuple[bytes, ...] = (),
        also: Callable[[Seen], str] | None = None,
        may_refuse: bool = False,
        refused: str = "",
    ) -> None:
        """Make it; `refused` is the verdict on a server that refuses, where that is not `unmet`."""
        self._may_refuse = may_refuse
        self._refused = "OK" if may_refuse else refused
        self._messages: list[Event] = [
            ("message", message, True) if isinstance(message, bytes) else ("message", message.encode(), False)
            for message in messages
        ]
        self._pongs: list[Event] = [("pong", payload) for payload in pongs]
        self._also = also

    def __str__(self) -> str:
        """Say what comes back."""
        what = "the message comes" if len(self._messages) == 1 else f"{len(self._messages)} messages come"
        pongs = ", the ping is answered" if self._pongs else ""
        refused = ", or the handshake is refused" if self._may_refuse else ""
        return f"The connection opens and {what} back{pongs}{refused}."

    def events(self) -> list[Event]:
        """List them."""
        return [*self._messages, *self._pongs]

    def settled(self, seen: Seen) -> bool:
        """Tell whether as much has come as was sent."""
        pongs = sum(event[0] == "pong" for event in seen.events)
        return seen.over or (len(seen.messages) >= len(self._messages) and pongs >= len(self._pongs))

    def judge(self, seen: Seen, unmet: str) -> Finding:
        """Compare what has come with what was sent."""
        if seen.fault:
            return "FAILED", f"The peer broke a rule: {seen.fault}."
        if not seen.opened:
            return self._judge_refusal(seen, unmet)
        if self._left(seen):
            return "OK", f"The client did not take the response{failure(seen)}"
        if seen.messages != self._messages or any(pong not in seen.events for pong in self._pongs):
            return unmet, f"{difference(self.events(), seen.events)}{failure(seen)}"
        if self._also and (fault := self._also(seen)):
            return unmet, f"{fault[:1].upper()}{fault[1:]}."
        return "OK", "All came back as it should."

    def _judge_refusal(self, seen: Seen, unmet: str) -> Finding:
        if not self._refused:
            return unmet, refusal(seen)
        if not seen.head:
            return ("NON-STRICT" if seen.ended else "FAILED"), refusal(seen)
        why = "" if self._refused == "OK" else f" {self._refused} and no failure: {NEED_NOT_ACCEPT}."
        return self._refused, f"{refusal(seen)}{why}"

    def _left(self, seen: Seen) -> bool:
        """Tell whether a client refused the response, where it may."""
        refused = self._may_refuse and seen.role == "client" and seen.failed and not seen.events
        return refused and (not seen.close or seen.code != 1000)

    def judge_close(self, seen: Seen) -> Finding:
        """Want the code 1000 that the harness sent."""
        if self._left(seen):
            return "OK", "A handshake that failed needs no Close."
        verdict, why = super().judge_close(seen)
        if seen.close and seen.code != 1000:
            return "WRONG CODE", f"The peer sent the code {seen.code or 'none'}{quoted(seen)}, not 1000."
        return verdict, why


class Fails(Expectation):
    """The peer fails the connection, best with a Close of one of these codes."""

    probes = True

    def __init__(self, *codes: int) -> None:
        self._codes = codes

    def __str__(self) -> str:
        """Say it."""
        codes = " or ".join(map(str, self._codes))
        return f"The peer fails the connection, with a Close of the code {codes}, and takes nothing of it."

    def settled(self, seen: Seen) -> bool:
        """Tell whether it has failed the connection, or taken what it should not."""
        return seen.over or bool(self._taken(seen))

    def judge(self, seen: Seen, unmet: str) -> Finding:
        """Want a failed connection."""
        if seen.fault:
            return "FAILED", f"The peer broke a rule: {seen.fault}."
        if not seen.opened:
            return "FAILED", refusal(seen)
        if taken := self._taken(seen):
            if seen.failed and not seen.messages:
                return "NON-STRICT", f"The peer failed the connection late{failure(seen)}"
            return unmet, taken
        if not seen.failed:
            return unmet, "The peer neither failed the connection nor answered the ping that followed."
        if seen.growth is not None and seen.growth > MAX_GROWTH:
            return (
                "FAILED",
                f"The peer's memory grew by {seen.growth // 2**20} MiB before it failed the connection.",
            )
        if seen.close and seen.code in {None, 1000}:
            return "OK", "The peer closed the connection, as if nothing were wrong."
        grown = "" if seen.growth is None else f"; its memory grew by {seen.growth // 2**20} MiB at most"
        return "OK", f"The peer failed the connection{grown}."

    def judge_close(self, seen: Seen) -> Finding:
        """Want a fitting code: a SHOULD of RFC 6455 7.1.7."""
        if not seen.opened or not seen.failed:
            return "OK", "The connection was not failed."
        if seen.close and seen.code in self._codes:
            if not seen.in_time:
                return "UNCLEAN", "The server did not end the TCP connection (RFC 6455 7.1.7)."
            return "OK", f"The peer sent the code {seen.code}{quoted(seen)}."
        if seen.close:
            return "NON-STRICT", f"The peer sent the code {seen.code or 'none'}{quoted(seen)}."
        return "NON-STRICT", "The peer ended the connection without a Close."

    def _taken(self, seen: Seen) -> str:
        for event in seen.events:
            if event == ("pong", PROBE.payload):
                return "The peer did not fail the connection: it answered the ping that followed."
            if event[0] == "message":
                return f"The peer did not fail the connection: {shown(event)} came back."
        return ""


class Answers(Expectation):
    """The peer answers the Close that the case sends, with the same code or 1000.

    RFC 6455 5.5.1 demands an answer, and calls it typical that the code comes back. `may_fail`: the peer may
    take the code for an error, and fail the connection.
    """

    def __init__(self, code: int, *, may_fail: bool = False) -> None:
        self._code = code
        self._may_fail = may_fail

    def __str__(self) -> str:
        """Say it."""
        return f"The peer answers the Close with one of the code {self._code} or 1000."

    def judge(self, seen: Seen, unmet: str) -> Finding:
        """Want that Close."""
        if seen.fault:
            return "FAILED", f"The peer broke a rule: {seen.fault}."
        if not seen.opened:
            return "FAILED", refusal(seen)
        if seen.close is None:
            return unmet if self._may_fail and seen.ended else "FAILED", "The peer sent no Close in answer."
        if seen.code not in {self._code, 1000}:
            return unmet, f"The peer answered with the code {seen.code or 'none'}{quoted(seen)}."
        return "OK", f"The peer answered with the code {seen.code}."


def refusal(seen: Seen) -> str:
    """Say how a handshake was refused."""
    if seen.head is None or seen.role == "client":
        return "The peer ended the connection." if seen.ended else "The peer did not answer."
    return f"The server answered {seen.head.start!r}."


def quoted(seen: Seen) -> str:
    """Return the reason of a Close behind its code."""
    return f" ({seen.reason})" if seen.reason else ""


def failure(seen: Seen) -> str:
    """Say how a peer failed the connection, to end a sentence."""
    if seen.close:
        return f", with the code {seen.code or 'none'}{quoted(seen)}."
    return ", without a Close." if seen.ended else "."


def shown(event: Event) -> str:
    """Name a message, ping or pong."""
    payload = event[1]
    text = repr(payload[:20])[1:] + (f" and {len(payload) - 20} bytes more" if len(payload) > 20 else "")
    kind = {"ping": "a ping", "pong": "a pong"}.get(
        event[0], "a binary message" if event[-1] is True else "a text"
    )
    return f"{kind} {text}"


def difference(expected: list[Event], actual: list[Event]) -> str:
    """Say which message did not come back, or which one came instead."""
    missing = [shown(event) for event in expected if event not in actual]
    wrong = [shown(event) for event in actual if event not in expected]
    if not missing and not wrong:
        return "The messages came in another order or number"
    came = f"What came instead: {', '.join(wrong[:3])}" if wrong else "Nothing came instead"
    return (
        f"Missing: {', '.join(missing[:3])}. {came}" if missing else f"Too much came: {', '.join(wrong[:3])}"
    )
