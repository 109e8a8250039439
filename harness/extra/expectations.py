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

MAX_GROWTH = 8 * 2**20
"""Bytes by which the memory of a peer with a limit of 1 MiB may grow; no RFC names a number."""

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

    def decided(self, seen: Seen) -> bool:
        """Tell whether a peer that has answered the ping cannot do any more what is expected, be it late."""
        return seen.over

    @abstractmethod
    def judge(self, seen: Seen, unmet: str) -> Finding:
        """Return the verdict; `unmet` is the one on a peer that did nothing forbidden, but not this."""

    def judge_close(self, seen: Seen) -> Finding:
        """Return the verdict on the closing handshake."""
        if not seen.opened:
            return "OK", "There was no WebSocket connection to close."
        if seen.late:
            return "UNCLEAN", sentence(seen.late)
        if seen.close is None:
            return "UNCLEAN", "The peer sent no Close."
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
        messages, pongs = len(self._messages) * seen.rounds, len(self._pongs) * seen.rounds
        return seen.over or (seen.counts["message"] >= messages and seen.counts["pong"] >= pongs)

    def judge(self, seen: Seen, unmet: str) -> Finding:
        """Compare what has come with what was sent."""
        if seen.fault:
            return "FAILED", f"The peer broke a rule: {seen.fault}."
        if not seen.opened:
            return self._judge_refusal(seen, unmet)
        if self._left(seen):
            return "OK", f"The client did not take the response{failure(seen)}"
        if seen.messages != self._messages * seen.rounds or any(
            pong not in seen.events for pong in self._pongs
        ):
            return unmet, f"{difference(self.events(), seen.events)}{failure(seen)}"
        if self._also and (fault := self._also(seen)):
            return unmet, sentence(fault)
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
    """The peer fails the connection, best with a Close of one of these codes.

    `before`: texts that come back before. `growth`: bytes that the peer's memory may grow by, ours.
    """

    probes = True

    def __init__(self, *codes: int, before: tuple[str, ...] = (), growth: int = MAX_GROWTH) -> None:
        self._codes = codes
        self._growth = growth
        self._before: list[Event] = [("message", message.encode(), False) for message in before]

    def __str__(self) -> str:
        """Say it."""
        codes = " or ".join(map(str, self._codes))
        return f"The peer fails the connection, with a Close of the code {codes}, and takes nothing of it."

    def settled(self, seen: Seen) -> bool:
        """Tell whether it has failed the connection, or taken what it should not."""
        return seen.over or bool(self._taken(seen))

    def decided(self, seen: Seen) -> bool:
        """Tell whether it has failed the connection, or sent back what it should not have taken."""
        return seen.over or seen.counts["message"] > len(self._before)

    def judge(self, seen: Seen, unmet: str) -> Finding:
        """Want a failed connection."""
        if seen.fault:
            return "FAILED", f"The peer broke a rule: {seen.fault}."
        if not seen.opened:
            return "FAILED", refusal(seen)
        if taken := self._taken(seen):
            if seen.failed and seen.messages == self._before:
                return "NON-STRICT", f"The peer failed the connection late{failure(seen)}"
            return unmet, taken
        if not seen.failed:
            return unmet, "The peer neither failed the connection nor answered the ping that followed."
        if seen.growth is not None and seen.growth > self._growth:
            return "NON-STRICT", (
                f"The peer's memory grew by {seen.growth // 2**20} MiB before it failed the connection. "
                f"NON-STRICT and no failure: RFC 6455 10.4 names no number; {self._growth // 2**20} MiB is "
                "the harness's."
            )
        if seen.close and seen.code in {None, 1000}:
            return "NON-STRICT", (
                f"The peer closed the connection with the code {seen.code or 'none'}, as if nothing were "
                "wrong, and not with one that fits (RFC 6455 7.1.7)."
            )
        grown = "" if seen.growth is None else f"; its memory grew by {seen.growth // 2**20} MiB at most"
        return "OK", f"The peer failed the connection{grown}."

    def judge_close(self, seen: Seen) -> Finding:
        """Want a fitting code: a SHOULD of RFC 6455 7.1.7."""
        if not seen.opened or not seen.failed:
            return "OK", "The connection was not failed."
        if seen.close and seen.code in self._codes:
            if seen.late:
                return "UNCLEAN", sentence(seen.late)
            return "OK", f"The peer sent the code {seen.code}{quoted(seen)}."
        if seen.close:
            return "NON-STRICT", f"The peer sent the code {seen.code or 'none'}{quoted(seen)}."
        return "NON-STRICT", "The peer ended the connection without a Close."

    def _taken(self, seen: Seen) -> str:
        if not seen.counts["message"] and not seen.counts["pong"]:
            return ""
        before = self._before if seen.messages[: len(self._before)] == self._before else []
        for event in seen.events[len(before) :]:
            if event == ("pong", PROBE.payload):
                return "The peer did not fail the connection: it answered the ping that followed."
            if event[0] == "message":
                return f"The peer did not fail the connection: {shown(event)} came back."
        return ""


class Answers(Expectation):
    """The peer answers the Close that the case sends, with the same code or 1000.

    RFC 6455 5.5.1 demands an answer, and calls it typical that the code comes back. `may_fail`: the peer may
    take the code for an error, and fail the connection. `messages` are those that come back before, if that
    is judged.
    """

    def __init__(
        self,
        code: int,
        *,
        may_fail: bool = False,
        messages: tuple[str, ...] | None = None,
        also: Callable[[Seen], str] | None = None,
    ) -> None:
        self._also = also
        self._code = code
        self._may_fail = may_fail
        self._messages = messages

    def __str__(self) -> str:
        """Say it."""
        code = "1000" if self._code == 1000 else f"{self._code} or 1000"
        return f"The peer answers the Close with one of the code {code}."

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
        wanted: list[Event] = [("message", message.encode(), False) for message in self._messages or ()]
        if self._messages is not None and seen.messages != wanted:
            taken = [message for message in seen.messages if message not in wanted]
            return "FAILED" if taken else unmet, f"{difference(wanted, seen.messages)}."
        if self._also and (fault := self._also(seen)):
            return unmet, sentence(fault)
        return "OK", f"The peer answered with the code {seen.code}."


class Begins(Expectation):
    """The peer sends this Close on its own, takes the answer, and sends nothing more but these pongs.

    `or_answers`: the code of a Close that may reach it before it has sent its own, which it then answers.
    `may_refuse`: whether no Close may come, since it does not send one that is not right.
    """

    def __init__(
        self,
        code: int,
        reason: str,
        *,
        pongs: tuple[bytes, ...] = (),
        or_answers: int | None = None,
        may_refuse: bool = False,
    ) -> None:
        self._or_answers = or_answers
        self._may_refuse = may_refuse
        self._code = code
        self._reason = reason
        self._pongs: list[Event] = [("pong", payload) for payload in pongs]

    def __str__(self) -> str:
        """Say it."""
        return f"The peer closes with the code {self._code} and the reason {self._reason!r}, once."

    def events(self) -> list[Event]:
        """List the pongs."""
        return self._pongs

    def settled(self, seen: Seen) -> bool:
        """Tell whether it has closed, or sent something else."""
        return seen.over

    def judge(self, seen: Seen, unmet: str) -> Finding:
        """Want that Close, and nothing beside it."""
        if seen.fault:
            return "FAILED", f"The peer broke a rule: {seen.fault}."
        if not seen.opened:
            return "FAILED", refusal(seen)
        if seen.close is None:
            return unmet if self._may_refuse else "FAILED", "The peer sent no Close."
        answered = seen.code is not None and seen.code == self._or_answers
        if (seen.code, seen.reason) != (self._code, self._reason) and not answered:
            return unmet, f"The peer closed with the code {seen.code or 'none'}{quoted(seen)}."
        if seen.events != self._pongs:
            return "FAILED", f"{difference(self._pongs, seen.events)}."
        if seen.late:
            return unmet, sentence(seen.late)
        return "OK", f"The peer closed with the code {seen.code}{quoted(seen)}."

    def judge_close(self, seen: Seen) -> Finding:
        """Want the end of TCP."""
        if seen.close is None:
            return "UNCLEAN", "The peer sent no Close."
        return ("UNCLEAN", sentence(seen.late)) if seen.late else ("OK", "The connection ended.")


class Ends(Expectation):
    """The peer ends the TCP connection soon after the harness did, with a Close or without.

    Where the harness has reset it, it cannot see that: then another connection shows that the peer lives.
    `messages` come back before.
    """

    def __init__(self, *messages: str) -> None:
        self._messages: list[Event] = [("message", message.encode(), False) for message in messages]

    def __str__(self) -> str:
        """Say it."""
        return "The peer ends the TCP connection as well, and serves the next one."

    def settled(self, seen: Seen) -> bool:
        """Tell whether it has ended it, or broken a rule."""
        return bool(seen.ended or seen.fault)

    def judge(self, seen: Seen, unmet: str) -> Finding:
        """Want the end of TCP in time."""
        if seen.fault:
            return "FAILED", f"The peer broke a rule: {seen.fault}."
        if not seen.opened:
            return "FAILED", refusal(seen)
        if seen.messages != self._messages:
            return "FAILED", f"{difference(self._messages, seen.messages)}."
        return (unmet, sentence(seen.late)) if seen.late else ("OK", "The peer ended the connection.")

    def judge_close(self, seen: Seen) -> Finding:
        """Judge nothing: a connection that is cut off has no closing handshake."""
        return "OK", f"The peer sent {'a' if seen.close else 'no'} Close."


def refusal(seen: Seen) -> str:
    """Say how a handshake was refused."""
    if seen.head is None or seen.role == "client":
        return "The peer ended the connection." if seen.ended else "The peer did not answer."
    return f"The server answered {seen.head.start!r}."


def sentence(words: str) -> str:
    """Make words a sentence."""
    return f"{words[:1].upper()}{words[1:]}."


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
