"""The duty of a peer in a case of section H, and the verdict on it in Autobahn's terms.

As in section X, a peer that breaks a MUST gets FAILED, one that breaks a SHOULD NON-STRICT. Where the RFCs
leave a choice, all of it is OK: a malformed message is an error of the stream, or of the connection
(RFC 9113 5.4.2), and a server may answer with 4xx before (RFC 9113 8.1.1, RFC 9114 4.1.2).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.streams.played import Played
    from harness.streams.wire import Stream, Wire

Finding = tuple[str, str]
"""A verdict, and a sentence that says why."""

OF_MALFORMED = ("PROTOCOL_ERROR", "H3_MESSAGE_ERROR", "H3_GENERAL_PROTOCOL_ERROR", "H3_FRAME_UNEXPECTED")
OF_FRAME = ("PROTOCOL_ERROR", "H3_FRAME_UNEXPECTED")


def outcome(stream: Stream | None, wire: Wire) -> str:
    """Say in a clause what the peer did on a stream."""
    parts = []
    if stream is not None:
        if wire.role == "server" and stream.status is not None:
            parts.append(f"answered with the status {stream.status}")
        if stream.seen.messages:
            parts.append(f"sent {len(stream.seen.messages)} messages back")
        if stream.seen.close is not None:
            parts.append(f"sent a Close with the code {stream.seen.code or 'none'}")
        if stream.ended_at is not None:
            parts.append("ended the stream in order")
        elif stream.reset is not None:
            parts.append(f"reset the stream with {wire.error_name(stream.reset)}")
    if wire.error is not None:
        parts.append(f"ended the connection with {wire.error_name(wire.error)}")
    elif wire.gone and not parts:
        parts.append("ended the connection without an error")
    return " and ".join(parts) or "did nothing"


def errors_of(stream: Stream | None, wire: Wire) -> set[str]:
    """Return the names of the errors that the peer answered with, on the stream and the connection."""
    codes = (stream.reset if stream is not None else None, wire.error)
    return {wire.error_name(code) for code in codes if code is not None}


class Expectation(ABC):
    """The duty of a peer."""

    @abstractmethod
    def __str__(self) -> str:
        """Say it in a sentence."""

    @abstractmethod
    def judge(self, played: Played, unmet: str) -> Finding:
        """Return the verdict; `unmet` is the one on a peer that did not do this."""

    def judge_close(self, played: Played) -> Finding:  # noqa: ARG002
        """Return the verdict on the end of the WebSocket."""
        return "OK", "There was no WebSocket connection to close in order."

    def verdicts(self, played: Played) -> tuple[Finding, Finding]:
        """Return both verdicts, after what holds in every case."""
        fault = played.wire.fault or next((one.seen.fault for one in played.streams if one.seen.fault), "")
        found = ("FAILED", f"The peer broke a rule: {fault}.") if fault else self.judge(played, played.unmet)
        if found[0] == "OK" and (others := self._others(played)):
            found = "FAILED", others
        return found, self.judge_close(played)

    def _others(self, played: Played) -> str:
        """Want the echo of what was sent on the other streams."""
        for one in played.streams[1:]:
            if one.seen.messages != one.sent:
                return f"On stream {one.number}, which is to live on, the peer {outcome(one, played.wire)}."
        return ""


class Opens(Expectation):
    """The WebSocket opens, what was sent comes back, and the closing handshake is as usual."""

    def __init__(
        self, what: str = "", also: Callable[[Played], str] | None = None, otherwise: str = ""
    ) -> None:
        """Make it; `also` names what else is wrong, which gets the verdict `otherwise`, if there is one."""
        self._what, self._also, self._otherwise = what, also, otherwise

    def __str__(self) -> str:
        """Say it."""
        return f"The WebSocket opens and messages come back{self._what and f'; {self._what}'}."

    def judge(self, played: Played, unmet: str) -> Finding:
        """Compare what has come with what was sent."""
        stream = played.streams[0]
        if not stream.opened:
            return unmet, f"The peer did not open the WebSocket: it {outcome(stream, played.wire)}."
        if stream.seen.messages != stream.sent:
            few = f"{len(stream.seen.messages)} of {len(stream.sent)} messages came back"
            return unmet, f"{few}: the peer {outcome(stream, played.wire)}."
        if self._also and (fault := self._also(played)):
            return self._otherwise or unmet, f"{fault[:1].upper()}{fault[1:]}."
        return "OK", "The WebSocket opened, and all came back."

    def judge_close(self, played: Played) -> Finding:
        """Want the code 1000, and the end of the stream."""
        stream = played.streams[0]
        if not stream.opened or not played.closes:
            return super().judge_close(played)
        if stream.seen.close is None:
            return "UNCLEAN", f"The peer sent no Close: it {outcome(stream, played.wire)}."
        if stream.seen.code != 1000:
            return "WRONG CODE", f"The peer sent the code {stream.seen.code or 'none'}, not 1000."
        if played.late:
            return "UNCLEAN", f"{played.late[:1].upper()}{played.late[1:]}."
        if stream.ended_at is None and stream.reset is not None:  # behind an end in order it does no harm
            name = played.wire.error_name(stream.reset)
            return (
                "UNCLEAN",
                f"The peer reset the stream with {name}: RFC 8441 5 wants END_STREAM.",
            )
        return "OK", "Both sent a Close, and the peer ended the stream."


class Refuses(Expectation):
    """The request is refused with a status, best with one of the first ones."""

    def __init__(
        self,
        good: str,
        best: tuple[int, ...],
        weak: tuple[int, ...],
        also: Callable[[Played], str] | None = None,
    ) -> None:
        """Make it; `best` and `weak` are first digits or whole statuses, `good` says the best in words."""
        self._good, self._best, self._weak, self._also = good, best, weak, also

    def __str__(self) -> str:
        """Say it."""
        return f"The request is refused with {self._good}."

    def judge(self, played: Played, unmet: str) -> Finding:
        """Want that status."""
        stream, wire = played.streams[0], played.wire
        status = stream.status
        if stream.opened:
            return unmet, "The peer opened the WebSocket."
        if status is None:
            verdict = "NON-STRICT" if stream.over or wire.gone else "FAILED"
            return verdict, f"The peer {outcome(stream, wire)}, which is no refusal with {self._good}."
        found = status, status // 100
        if any(one in self._best for one in found):
            if self._also and (fault := self._also(played)):
                return unmet, f"The peer refused with {status}, but {fault}."
            return "OK", f"The peer refused with {status}."
        verdict = "NON-STRICT" if any(one in self._weak for one in found) else unmet
        return verdict, f"The peer refused with {status}, not with {self._good}."


class Errors(Expectation):
    """The stream, or the connection, ends with one of these errors, or a server refuses the request."""

    def __init__(
        self,
        *names: str,
        what: str,
        refusals: tuple[int, ...] = (),
        whole: bool = False,
        may_open: bool = False,
        takes_nothing: bool = True,
    ) -> None:
        """Make it.

        :param names: the errors that fit; without any, every one does.
        :param refusals: the statuses that are as good, or their first digits.
        :param whole: whether it has to be an error of the connection.
        :param may_open: whether the peer may take it.
        :param takes_nothing: whether the WebSocket may not open at all.
        """
        self._names, self._what, self._refusals, self._whole = names, what, refusals, whole
        self._may_open, self._takes_nothing = may_open, takes_nothing

    def __str__(self) -> str:
        """Say it."""
        names = " or ".join(self._names[:2]) or "any code"
        where = "a connection error" if self._whole else "a stream error, or a connection error"
        return f"{self._what} is {where}, {names}{', or refused' if self._refusals else ''}."

    def judge(self, played: Played, unmet: str) -> Finding:
        """Want that error."""
        stream = played.streams[0] if played.streams else None
        wire = played.wire
        did = f"The peer {outcome(stream, wire)}."
        if stream is not None and stream.opened and self._may_open:
            return "OK", did
        if stream is not None and self._goes_on(stream):
            return unmet, did
        if stream is not None and stream.status is not None and wire.role == "server" and not stream.opened:
            if stream.status in self._refusals or stream.status // 100 in self._refusals:
                return "OK", did
            return "NON-STRICT", f"{did[:-1]}, where 4xx fits (RFC 9113 8.1.1, RFC 9114 4.1.2)."
        names = errors_of(stream, wire)
        if self._whole and wire.error is None and not wire.gone:
            return unmet, did
        if names and (not self._names or names & set(self._names)):
            return "OK", did
        if names or wire.gone or (stream is not None and stream.over):
            return ("OK" if not self._names else "NON-STRICT"), did
        return "FAILED" if unmet == "FAILED" else unmet, did

    def _goes_on(self, stream: Stream) -> bool:
        """Tell whether the peer took what it should not, or closed as if nothing were wrong."""
        opened = stream.opened if stream.seen.role == "server" else bool(stream.seen.messages)
        closed = stream.seen.close is not None and stream.seen.code in {None, 1000}
        return (self._takes_nothing and opened) or closed


class Fails(Expectation):
    """The WebSocket is failed with a Close of this code, and the peer ends the stream."""

    def __init__(self, code: int) -> None:
        self._code = code

    def __str__(self) -> str:
        """Say it."""
        return f"The peer sends a Close with {self._code} and ends the stream; other streams live on."

    def judge(self, played: Played, unmet: str) -> Finding:
        """Want both."""
        stream, wire = played.streams[0], played.wire
        did = f"The peer {outcome(stream, wire)}."
        if stream.seen.messages != stream.sent[: len(stream.seen.messages)] or not stream.opened:
            return unmet, did
        if not stream.over:
            return unmet, f"{did[:-1]}, and did not end the stream."
        if stream.seen.code != self._code or wire.error:
            return "NON-STRICT", did
        return "OK", did


class Ends(Expectation):
    """The peer ends its side of the stream, in order or with CANCEL."""

    def __init__(
        self, what: str = "", *, close: bool = False, also: Callable[[Played], str] | None = None
    ) -> None:
        """Make it; `close`: whether a Close has to come before."""
        self._what, self._close, self._also = what, close, also

    def __str__(self) -> str:
        """Say it."""
        before = "answers with a Close and ends" if self._close else "ends"
        return f"The peer {before} its side of the stream, in order or with CANCEL{self._what}."

    def judge(self, played: Played, unmet: str) -> Finding:
        """Want the end."""
        stream, wire = played.streams[0], played.wire
        did = f"The peer {outcome(stream, wire)}."
        if not stream.over:
            return unmet, did if wire.gone else f"{did[:-1]}, and did not end the stream."
        if self._close and stream.seen.close is None:
            return unmet, did
        fits = {"CANCEL", "NO_ERROR", "H3_REQUEST_CANCELLED", "H3_NO_ERROR"}
        if stream.ended_at is None and wire.error_name(stream.reset) not in fits:
            return unmet if self._close else "NON-STRICT", did
        if self._also and (fault := self._also(played)):
            return unmet, f"{fault[:1].upper()}{fault[1:]}."
        return "OK", did


class Bounded(Expectation):
    """The peer stops taking messages whose echo nobody reads, and other streams are served."""

    def __init__(self, most: int) -> None:
        """Make it; `most`: the bytes that it may take, ours."""
        self._most = most

    def __str__(self) -> str:
        """Say it."""
        most = f"{self._most // 2**20} MiB"
        return f"The peer takes less than {most} whose echo is not read; other streams are served."

    def judge(self, played: Played, unmet: str) -> Finding:
        """Count what it has taken."""
        stream = played.streams[0]
        if not stream.opened:
            return "FAILED", f"The peer did not open the WebSocket: it {outcome(stream, played.wire)}."
        taken = f"The peer took {stream.sent_bytes // 2**10} KiB of messages whose echo was not read"
        return (unmet if stream.sent_bytes >= self._most else "OK"), f"{taken}."


class Quiet(Expectation):
    """The peer sends nothing more on the stream, but may reset it."""

    def __init__(self, *, cut: bool = False, also: Callable[[Played], str] | None = None) -> None:
        """Make it; `cut`: whether the harness ends the connection, `also` names what else is wrong."""
        self._cut, self._also = cut, also

    def __str__(self) -> str:
        """Say it."""
        what = (
            "takes all streams for gone"
            if self._cut
            else "takes the stream for gone; the connection lives on"
        )
        return f"The peer takes {what}."

    def judge(self, played: Played, unmet: str) -> Finding:
        """Want no more than a reset."""
        wire = played.wire
        did = f"The peer {outcome(played.streams[0], wire)}."
        if self._also and (fault := self._also(played)):
            return unmet, f"{fault[:1].upper()}{fault[1:]}."
        return (unmet, did) if (wire.gone or wire.error) and not self._cut else ("OK", did)


class DoesNotAsk(Expectation):
    """The client sends no extended CONNECT before the server has allowed it."""

    def __str__(self) -> str:
        """Say it."""
        return "The client sends no extended CONNECT before the server's setting allows it."

    def judge(self, played: Played, unmet: str) -> Finding:
        """Want no request."""
        if played.streams:
            return unmet, "The client asked without leave."
        return "OK", "The client did not ask."
