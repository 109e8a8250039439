"""The duty of a peer in cases about the opening handshake that should not simply succeed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.extra.expectations import (
    Answers,
    Echoes,
    Expectation,
    Fails,
    difference,
    failure,
    refusal,
    sentence,
)

if TYPE_CHECKING:
    from harness.extra.expectations import Finding
    from harness.extra.seen import Event, Seen

HEAD_GROWTH = 8 * 2**20
"""Bytes by which the memory of a peer may grow as it reads a head or body without end: our number."""


class Declines(Echoes):
    """The connection opens without an extension; where `may_refuse`, it may be refused as well.

    No rule forbids a server to refuse the request for its offer: that is NON-STRICT.
    """

    negotiates = False

    def __init__(self, *, may_refuse: bool = False) -> None:
        super().__init__("Hello", may_refuse=may_refuse, refused="NON-STRICT")

    def __str__(self) -> str:
        """Say it."""
        more = ", or is refused" if self._may_refuse else ""
        return f"The server declines the offer: the connection opens without an extension{more}."

    def judge(self, seen: Seen, unmet: str) -> Finding:
        """Want no extension in the response, and the message back."""
        lines = seen.head.values("Sec-WebSocket-Extensions") if seen.opened and seen.head else []
        if any(lines):
            seen.head_fault = "Sec-WebSocket-Extensions"
            return unmet, f"The offer was accepted, with {', '.join(lines)!r}."
        return super().judge(seen, unmet)


class Refuses(Expectation):
    """A server answers the request with another status than 101.

    `field` has to be in the response, or only in one of the status `only_with`. An RFC may demand one of
    `statuses`, that the server `ends` the connection, too, or leave it to the server whether it answers at
    all (`may_drop`).
    """

    answered = negotiates = False

    def __init__(
        self,
        *statuses: int,
        field: tuple[str, str] | None = None,
        only_with: int | None = None,
        ends: bool = False,
        may_drop: bool = False,
    ) -> None:
        self._statuses = statuses
        self._field = field
        self._only_with = only_with
        self.ends = ends
        self._may_drop = may_drop

    def __str__(self) -> str:
        """Say it."""
        status = " or ".join(map(str, self._statuses)) or "an HTTP error"
        more = f", with {self._field[0]}: {self._field[1]}" if self._field else ""
        more += f" if that is {self._only_with}" if self._only_with else ""
        more += ", or without a word" if self._may_drop else ""
        more += ", and ends the connection" if self.ends else ""
        return f"The server refuses the request with {status}{more}."

    def judge(self, seen: Seen, unmet: str) -> Finding:
        """Want a final status other than 101; a dropped connection is a lesser answer (RFC 6455 10.7)."""
        if seen.opened or seen.fault:
            return unmet, "The server accepted the request with 101."
        if seen.growth is not None and seen.growth > HEAD_GROWTH:
            return unmet, f"The server's memory grew by {seen.growth // 2**20} MiB. {refusal(seen)}"
        if seen.head is None:
            if seen.ended:
                return "OK" if self._may_drop else "NON-STRICT", "The server dropped the connection."
            silent = unmet if self._may_drop or seen.growth is not None else "FAILED"
            return silent, "The server neither accepted nor refused the request."
        return self._judge_response(seen, unmet)

    def _judge_response(self, seen: Seen, unmet: str) -> Finding:
        assert seen.head is not None  # noqa: S101  # there was a response
        if self._statuses and seen.head.status not in self._statuses:
            return unmet, f"{refusal(seen)} The status has to be {' or '.join(map(str, self._statuses))}."
        asked = self._only_with in {None, seen.head.status}
        if self._field and asked and self._field[1] not in seen.head.tokens(self._field[0]):
            seen.head_fault = self._field[0]
            return "FAILED", f"{refusal(seen)} The response lacks {self._field[0]}: {self._field[1]}."
        if self.ends and not seen.ended:
            return unmet, f"{refusal(seen)} It did not end the connection."
        return "OK", refusal(seen)

    def judge_close(self, seen: Seen) -> Finding:  # noqa: ARG002
        """Judge nothing: a refused request has no closing handshake."""
        return "OK", "There was to be no WebSocket connection."


class ServesNext(Refuses):
    """A server refuses the first of two requests; it answers the second, or says `close` and ends.

    A client reads from the response whether the connection goes on (RFC 9112 9.3, 9.6).
    """

    def __str__(self) -> str:
        """Say it."""
        return (
            "The server refuses the first request. It either answers the one behind it, or says "
            "`Connection: close` and ends the connection."
        )

    def _judge_response(self, seen: Seen, unmet: str) -> Finding:
        assert seen.head is not None  # noqa: S101  # there was a response
        closes = "close" in seen.head.tokens("Connection")
        if seen.next_head:
            then = f"{refusal(seen)} The next request got {seen.next_head.start!r}"
            if closes:
                return unmet, f"{then}, although the first response said close (RFC 9112 9.6)."
            return "OK", f"{then}."
        if not seen.ended:
            what = "said close and did not end" if closes else "left the next request without an answer on"
            return unmet, f"{refusal(seen)} It {what} the connection."
        if not closes:
            seen.head_fault = "Connection"
            return "NON-STRICT", f"{refusal(seen)} It ended the connection and did not say close before."
        return "OK", f"{refusal(seen)} It said close and ended the connection."


class KeepsLittle(Refuses):
    """A server refuses a request that too much comes behind, or keeps little of that before it accepts."""

    def __str__(self) -> str:
        """Say it."""
        return (
            "The server refuses the request, or keeps no more than "
            f"{HEAD_GROWTH // 2**20} MiB of what comes before it has accepted."
        )

    def judge(self, seen: Seen, unmet: str) -> Finding:
        """Want a refusal or little growth."""
        if seen.opened and not seen.fault and (seen.growth or 0) <= HEAD_GROWTH:
            return "OK", "The server accepted the request, and kept little of what came before."
        return super().judge(seen, unmet)


class MayDrop(Expectation):
    """Mixed into an expectation: a server that does not accept a client that spoke early breaks no rule."""

    def judge(self, seen: Seen, unmet: str) -> Finding:
        """Judge the rest where it accepted the request."""
        if not seen.opened and not seen.fault:
            return unmet, refusal(seen)
        return super().judge(seen, unmet)  # type: ignore[safe-super]  # of the class behind it


class FailsOrDrops(MayDrop, Fails):
    """The peer fails the connection, which it may also not accept."""


class AnswersOrDrops(MayDrop, Answers):
    """The peer answers the Close, or does not accept the connection."""


class EndsToo(Expectation):
    """The client has ended its direction behind its request, and the server ends the connection.

    It may accept the request before; then `messages` and `pongs` come back, and a Close of that `code`.
    """

    ends = True

    def __init__(self, *messages: str, pongs: tuple[bytes, ...] = (), code: int | None = None) -> None:
        self._events: list[Event] = [
            *(("message", message.encode(), False) for message in messages),
            *(("pong", payload) for payload in pongs),
        ]
        self._code = code

    def __str__(self) -> str:
        """Say it."""
        return "The server ends the connection as well, once it has answered what came before."

    def events(self) -> list[Event]:
        """List what comes back."""
        return self._events

    def settled(self, seen: Seen) -> bool:
        """Tell whether it has ended the connection, or broken a rule."""
        return bool(seen.ended or seen.fault)

    def judge(self, seen: Seen, unmet: str) -> Finding:
        """Want the answers and the end of TCP in time."""
        if seen.fault:
            return "FAILED", f"The peer broke a rule: {seen.fault}."
        if not seen.ended:
            return unmet, sentence(seen.late or "the server did not end the connection")
        if sorted(seen.events) != sorted(self._events) and (seen.opened or self._events):
            what = f"{difference(self._events, seen.events)}." if seen.opened else refusal(seen)
            return unmet, what
        if seen.code != self._code and seen.opened and self._code:
            return unmet, f"The server ended the connection and sent the code {seen.code or 'none'}."
        return (unmet, sentence(seen.late)) if seen.late else ("OK", "The server ended the connection.")

    def judge_close(self, seen: Seen) -> Finding:
        """Judge nothing: a connection that is cut off has no closing handshake."""
        return "OK", f"The server sent {'a' if seen.close else 'no'} Close."


class ServesOthers(Expectation):
    """The client is gone before it is answered; another connection shows that the server lives."""

    def __str__(self) -> str:
        """Say it."""
        return "The server serves the next connection."

    def settled(self, seen: Seen) -> bool:  # noqa: ARG002
        """Wait for nothing."""
        return True

    def judge(self, seen: Seen, unmet: str) -> Finding:
        """Want the other connection, which is judged by itself."""
        return (unmet, sentence(seen.fault)) if seen.fault else ("OK", "The next connection was served.")

    def judge_close(self, seen: Seen) -> Finding:  # noqa: ARG002
        """Judge nothing."""
        return "OK", "A connection that is reset has no closing handshake."


class FailsHandshake(Expectation):
    """A client refuses the response: it ends the connection and sends no message.

    `as_http`: the response is correct HTTP, so that the client may read a body up to the connection's end.
    """

    negotiates = False

    def __init__(self, *, as_http: bool = False) -> None:
        self.ends_early = as_http

    def __str__(self) -> str:
        """Say it."""
        return "The client fails the connection, with or without a Close; nothing comes back."

    def settled(self, seen: Seen) -> bool:
        """Tell whether it has done either, or kept too much to be OK."""
        return seen.over or bool(seen.messages) or (seen.growth or 0) > HEAD_GROWTH

    def judge(self, seen: Seen, unmet: str) -> Finding:
        """Want an end before a message comes back."""
        if seen.messages:
            return unmet, "The client took the response: a message came back."
        if seen.growth is not None and seen.growth > HEAD_GROWTH:
            return unmet, f"The client's memory grew by {seen.growth // 2**20} MiB{failure(seen)}"
        if seen.close and seen.code in {None, 1000}:
            return unmet, f"The client took the response: it closed with the code {seen.code or 'none'}."
        if not seen.close and not seen.ended and not self.ends_early:
            return unmet, "The client neither failed the connection nor answered."
        return "OK", f"The client failed the connection{failure(seen)}"

    def judge_close(self, seen: Seen) -> Finding:
        """Judge nothing: a handshake that failed needs no Close."""
        return "OK", f"The client sent {'a' if seen.close else 'no'} Close."


class RefusesCertificate(Expectation):
    """A client ends TLS, or TCP, before it sends its opening request."""

    answered = False

    def __str__(self) -> str:
        """Say it."""
        return "The client refuses the certificate: no request comes."

    def judge(self, seen: Seen, unmet: str) -> Finding:
        """Want an end without a request; some clients look at the name only after the handshake of TLS."""
        if seen.fault:
            return "FAILED", f"The client broke a rule: {seen.fault}."
        if seen.head:
            return unmet, f"The client took the certificate, and sent {seen.head.start!r}."
        if not seen.ended:
            return unmet, "The client neither ended the connection nor sent a request."
        return (
            "OK",
            f"The client ended the connection: {(seen.tls and seen.tls.fault) or 'without an alert'}.",
        )

    def judge_close(self, seen: Seen) -> Finding:  # noqa: ARG002
        """Judge nothing: there was no WebSocket connection."""
        return "OK", "There was to be no WebSocket connection."
