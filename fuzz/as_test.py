"""Makes a pytest case of the calls that a target made: it fails as long as the library is wrong."""

from __future__ import annotations

import ast
import base64
import hashlib
import inspect
import re
import textwrap
import traceback
from typing import TYPE_CHECKING, Any, Final

from fuzz.flow import SENDING, flow_of, variable_of
from fuzz.recording import EVENTS, PROPERTIES, NotPublicError, module_of, public_error
from wsproto.events import AcceptConnection, CloseConnection, Message, Request
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import FrameType

    from fuzz.recording import Call, Recorder

QUERIES: Final = (*PROPERTIES, "can_send", "enabled")
"""They change nothing: a test needs the last of them alone."""

CANNOT_SEND: Final = "_assert_cannot_send"
"""The function of the judges that fails where the library sends what it has to refuse."""

HANDSHAKE: Final = (AcceptConnection, Request)
"""Events that hold extensions, which are other objects in each run."""
_HANDSHAKE_NAMES: Final = f"({', '.join(one.__name__ for one in HANDSHAKE)})"

REFUSES: Final = ("assert_acceptable_request", "assert_acceptance", "_assert_within", "assert_refused")
"""Functions of the judges that fail where the library let something through."""

BY_FRAME: Final = '''def by_frame(events):
    """Join the pieces of each frame."""
    joined = []
    for event in events:
        last = joined[-1] if joined else None
        if isinstance(event, Message) and isinstance(last, Message) and not last.frame_finished:
            joined[-1] = type(event)(last.data + event.data, event.frame_finished, event.message_finished)
        else:
            joined.append(event)
    return joined
'''

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NOT_RAISED: Final = re.compile(r"^DID NOT RAISE (?:<class ')?(?:\w+\.)*(\w+)")
_KEY: Final = re.compile(rb"Sec-WebSocket-Key: (\S+)\r\n")


def case_of(recorder: Recorder, error: BaseException, frames: list[FrameType], name: str) -> str:
    """Return the source of a test; raises `NotPublicError` where the calls alone cannot show the defect."""
    judged = [one for one in traceback.extract_tb(error.__traceback__) if "/tests/" in one.filename]
    judgement = judged[-1].line or "" if judged else ""
    if recorder.problem:
        raise NotPublicError(recorder.problem)
    if not recorder.calls:
        raise NotPublicError("the target calls functions, not a connection")
    # What raised ends the story; what the target did then only cleaned up.
    ends = [place for place, call in enumerate(recorder.calls, 1) if call.raised is error]
    del recorder.calls[min(ends, default=len(recorder.calls)) :]
    story = _Story(recorder)
    last = recorder.calls[-1]
    # The innermost function that says what had to come.
    judges = [one for one in frames if one.f_code.co_name in REFUSES or "due" in one.f_locals]
    judge = judges[-1] if judges and _compares(judges[-1], judgement) else None
    sends = [place for place, call in enumerate(recorder.calls) if call.method == "send"]
    cannot_send = any(one.f_code.co_name == CANNOT_SEND for one in frames)
    not_raised = _NOT_RAISED.search(str(error))
    if last.raised is error:
        story.tell(recorder.calls)
    elif not_raised is not None and module_of(not_raised[1]):
        story.tell(recorder.calls[:-1])
        story.refuse(last, not_raised[1])
    elif cannot_send:
        story.tell(recorder.calls[: sends[-1]])
        story.refuse(recorder.calls[sends[-1]], LocalProtocolError.__name__)
    elif judge is not None and "due" not in judge.f_locals:
        story.tell_refused()
    elif judge is not None:
        story.compare(judge.f_locals)
    else:
        story.deny_last(judgement)
    return story.source(name, error, "" if last.raised is error else judgement)


def _without_hint(calls: list[Call]) -> int | None:
    """Find the last call whose error has no event that tells the peer."""
    places = [place for place, call in enumerate(calls)
              if call.raised is not None and getattr(call.raised, "event_hint", call) is None]  # fmt: skip
    return places[-1] if places else None


def _compares(judge: FrameType, judgement: str) -> bool:
    """Tell whether a judge failed where it compares with what had to come."""
    return judge.f_code.co_name in REFUSES or "due" in judgement


def unmasked(data: bytes) -> list[tuple[bytes, bytes]]:
    """Split frames that a client has sent, without their masks, which are random."""
    frames = []
    while data:
        size, begin = data[1] & 127, 2
        if size > 125:
            begin = 4 if size == 126 else 10
            size = int.from_bytes(data[2:begin], "big")
        key, payload = data[begin : begin + 4], data[begin + 4 : begin + 4 + size]
        frames.append((data[:begin], bytes(byte ^ key[place % 4] for place, byte in enumerate(payload))))
        data = data[begin + 4 + size :]
    return frames


class _Story:
    """The lines of a test."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._flow = flow_of(recorder.calls)
        self._lines: list[str] = []
        self._accepts: dict[str, bytes] = {}
        """What answers the key that a client sent, which is another one in each run."""
        self._responses: dict[str, str] = {}
        """A response that comes in pieces, and has to answer that key; empty where one call receives it."""
        self._by_frame = self._unmasked = False
        self._listening: set[str] = set()
        self._strict_from = 0
        """From this call on, by `id()`, a call may raise what is expected."""
        self._begin_of_block: int | None = None

    def tell(self, calls: Iterable[Call]) -> None:
        """Write the calls down."""
        calls = [call for call in calls if call.method not in QUERIES]
        self._listening = {call.name for call in calls if call.method in EVENTS}
        before = None
        for call in calls:
            # Another look at what has no more events changes nothing.
            again = (
                before is not None
                and call.method == before.method
                and call.method in EVENTS
                and call.result == []
            )
            if not (again and call.raised is None):
                self._tell(call)
            before = call

    def tell_of(self, name: str, calls: Iterable[Call]) -> None:
        """Write the calls of one object down, and of those that it is given."""
        calls = list(calls)
        given = {
            word for call in calls if call.name == name for word in re.split(r"\W+", " ".join(call.arguments))
        }
        self.tell(call for call in calls if call.name in {name, *given})

    def _tell(self, call: Call) -> None:
        if id(call) == self._strict_from:
            self._begin_of_block = len(self._lines)
        line = self._expression(call)
        if call.method == "__init__":
            line = f"{call.name} = {line}"
        elif call.method in EVENTS:
            line = f"{_events_of(call)} += {line}"
            line += f"  # {_short(call.result)}"
        elif call.method in {"accept", "finalize", "offer"}:
            line += f"  # {_short(call.result)}"
        kept = self._flow.kept.get(id(call))
        if kept:
            line = f"{variable_of(call.name)} {kept} {line}"
        key = _KEY.search(call.result) if call.method == "send" and isinstance(call.result, bytes) else None
        takes_key = key is not None and self._takes(call.name, key[1])
        if takes_key and not kept:
            line = f"{variable_of(call.name)} = {line}"
        self._lines.append(self._guarded(call, line, "=" if takes_key else kept))
        if takes_key:
            head = f'{variable_of(call.name)}.partition(b"Sec-WebSocket-Key: ")'
            self._lines += [f'key = {head}[2].partition(b"\\r\\n")[0]',
                            f"digest = hashlib.sha1(key + {_GUID!r}).digest()",
                            f"accept_of_{call.name} = base64.b64encode(digest)"]  # fmt: skip
            if response := self._responses[call.name]:
                accepted = f"{response}.replace({self._accepts[call.name]!r}, accept_of_{call.name})"
                self._lines.append(f"response_to_{call.name} = {accepted}")
        if call.method == "__init__" and call.name in self._listening:
            self._lines.append(f"{_events_of(call)} = []")

    def _takes(self, name: str, key: bytes) -> bool:
        """Tell whether a response that the test made itself answers this key."""
        accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
        received = [call for call in self._recorder.calls
                    if call.name == name and call.given and id(call) not in self._flow.arguments]  # fmt: skip
        response = b"".join(call.given for call in received)
        if accept not in response:
            return False
        self._accepts[name] = accept
        self._responses[name] = ""
        if not any(accept in call.given for call in received):  # it comes in pieces
            self._responses[name] = self._recorder.source(response)
            end = 0
            for call in received:
                begin, end = end, end + len(call.given)
                self._flow.arguments[id(call)] = f"response_to_{name}[{begin}:{end}]"
        return True

    def _guarded(self, call: Call, line: str, kept: str | None = None) -> str:
        """Let the library refuse what it may refuse, and refused when the input was run."""
        if call.caught and call.method != "__init__" and self._begin_of_block is None:
            names = ", ".join(re.findall(r"\w*ProtocolError", call.caught))
            begin = f"{variable_of(call.name)} = b''\n    " if kept == "=" else ""
            if call.ends:
                return f"{begin}try:\n        {line}\n    except ({names}):\n        return"
            return f"{begin}with suppress({names}):\n        {line}"
        if call.raised is not None and call is not self._recorder.calls[-1]:
            return f"with pytest.raises({public_error(call.raised)}):\n        {line}"
        return line

    def _expression(self, call: Call) -> str:
        arguments = self._flow.arguments.get(id(call)) or ", ".join(call.arguments)
        accept = self._accepts.get(call.name)
        if accept and accept.decode() in arguments:
            arguments = f"{arguments}.replace({accept!r}, accept_of_{call.name})"
        if call.method in PROPERTIES:
            return f"{call.name}.{call.method}"
        if call.method == "__init__":
            return f"{type(call.of).__name__}({arguments})"
        expression = f"{call.name}.{call.method}({arguments})"
        if call.exhausted or call.raised is not None:
            return expression
        taken: Any = call.result
        return f"islice({expression}, {len(taken)})"

    def tell_refused(self) -> None:
        """Write the calls up to the last bytes received, which have to be refused."""
        calls = self._recorder.calls
        last = max(
            (number for number, call in enumerate(calls) if call.method == "receive_data"), default=None
        )
        if last is None:
            raise NotPublicError("nothing was received that could have been refused")
        call = calls[last]
        first = next(one for one in calls if one.name == call.name and one.method == call.method)
        self._strict_from = id(first)  # any of the reads may be the one that is refused
        self.tell_of(call.name, calls[:last])
        block = self._lines[self._begin_of_block :] if first is not call else []
        del self._lines[len(self._lines) - len(block) :]
        hint = getattr(call.raised, "event_hint", self)
        self.refuse(call, RemoteProtocolError.__name__, " as refused" * (hint is None), block)
        if hint is None:
            self._lines.append("assert refused.value.event_hint is not None")

    def refuse(self, call: Call, kind: str, name: str = "", before: Sequence[str] = ()) -> None:
        """Expect an error of a call, or of what stands before it."""
        lines = "".join(f"\n        {line}" for line in [*before, self._expression(call)])
        self._lines.append(f"with pytest.raises({kind}){name}:{lines}")

    def compare(self, known: dict[str, Any]) -> None:
        """Compare the events with those that the judge's own reader found in the same bytes."""
        due, connection, count = known["due"], known.get("connection"), len(known.get("events", ()))
        name = next((call.name for call in self._recorder.calls if call.of is connection), None)
        if name is None or not hasattr(due, "codes"):
            raise NotPublicError("the judge compares something else than the events of a connection")
        self.tell_of(name, self._recorder.calls)
        got = f"events_of_{name}" if name != "connection" else "events"
        whole = [one for call in self._recorder.calls if call.name == name and call.method in EVENTS
                 for one in self._taken(call)]  # fmt: skip
        if whole and isinstance(whole[0], HANDSHAKE):
            got += f"[{sum(isinstance(one, HANDSHAKE) for one in whole)}:]"
        else:
            got += f"[{len(whole) - count}:]" * (count < len(whole))
        if any(isinstance(event, Message) and not event.frame_finished for event in whole):
            self._by_frame = True
            got = f"by_frame({got})"
        expected = self._recorder.source(due.events)
        fails = due.codes and (due.certain or getattr(connection, "protocol_error", None) is not None)
        if not fails:
            self._lines.append(f"assert {got} == {expected}")
            return
        codes = ", ".join(str(int(code)) for code in sorted(due.codes))
        self._lines += [
            f"received = {got}",
            f"assert received[:-1] == {expected}",
            f"assert [type(event) for event in received[-1:]] == [{CloseConnection.__name__}]",
            f"assert received[-1].code in {{{codes}}}",
        ]

    @staticmethod
    def _taken(call: Call) -> list[object]:
        return list(call.result) if isinstance(call.result, list) else []

    def deny_last(self, judgement: str) -> None:
        """Deny what came of the last calls, where the judge does not say what should have come."""
        calls = self._recorder.calls
        if "hint" in judgement and (place := _without_hint(calls)) is not None:
            self.tell_of(calls[place].name, calls[:place])
            self.refuse(calls[place], RemoteProtocolError.__name__, " as refused")
            self._lines.append("assert refused.value.event_hint is not None")
            return
        asked = [call for call in calls[-1:] if call.method in PROPERTIES and call.method in judgement]
        told = [call for call in calls if call.method not in QUERIES]
        if not told or (calls[-1].method in QUERIES and not asked and calls[-1].method in judgement):
            self.tell(calls[:-1])
            self.deny(calls[-1])
        elif told[-1].method in EVENTS or asked:
            self.tell(told)
            self._deny_received(asked)
        elif told[-1].method in SENDING and isinstance(told[-1].result, bytes):
            self.tell(told[:-1])
            self._deny_sent(told[-1])
        else:
            self.tell(told[:-1])
            self.deny(told[-1])

    def _deny_received(self, asked: list[Call]) -> None:
        """Deny all events together, and what was asked last: any of them may be wrong."""
        got, wrong = [], []
        looked = [call for call in self._recorder.calls if call.method in EVENTS]
        for name in dict.fromkeys(call.name for call in looked):
            events = [event for call in looked if call.name == name for event in self._taken(call)]
            variable = f"events_of_{name}" if name != "connection" else "events"
            if any(isinstance(event, HANDSHAKE) for event in events):
                variable = f"[event for event in {variable} if not isinstance(event, {_HANDSHAKE_NAMES})]"
            got.append(variable)
            wrong.append(self._recorder.source([one for one in events if not isinstance(one, HANDSHAKE)]))
        for call in asked:
            got.append(self._expression(call))
            wrong.append(self._recorder.source(call.result))
        self._lines += ["# The judge says only that this is wrong.",
                        f"assert [{', '.join(got)}] != [{', '.join(wrong)}]"]  # fmt: skip

    def _deny_sent(self, last: Call) -> None:
        """Deny all frames that were sent: any of them may be wrong."""
        frames = [call for call in self._recorder.calls
                  if call.method in SENDING and isinstance(call.result, bytes)
                  and not call.result.startswith((b"GET ", b"HTTP/"))]  # fmt: skip
        of: dict[str, bytes] = {}
        for call in frames:
            self._flow.kept[id(call)] = "+=" if call.name in of else "="
            of[call.name] = of.get(call.name, b"") + (call.result if isinstance(call.result, bytes) else b"")
        if last not in frames:
            raise NotPublicError("the judge compares a head that was sent")
        self._lines.clear()
        self._accepts.clear()
        self.tell(self._recorder.calls[: self._recorder.calls.index(last) + 1])
        one, *others = of.values()
        if one[1:2] >= b"\x80" and any(unmasked(one) == unmasked(other) for other in others):
            raise NotPublicError("what was sent differs in masking keys alone, which are random")
        got: list[str] = []
        wrong: list[str] = []
        for name, data in of.items():
            masked = data[1:2] >= b"\x80"
            self._unmasked |= masked
            for to, value in ((got, variable_of(name)), (wrong, self._recorder.source(data))):
                to.append(f"unmasked({value})" if masked else value)
        self._lines += ["# The judge says only that this is wrong.",
                        f"assert [{', '.join(got)}] != [{', '.join(wrong)}]"]  # fmt: skip

    def deny(self, call: Call) -> None:
        """Deny what came of a call, where the judge does not say what should have come."""
        if call.raised is not None:
            self._lines.append(f"{self._expression(call)}  # must not raise")
            return
        if call.method == "__init__":
            raise NotPublicError("the judge compares what the calls do not show")
        expression = self._expression(call)
        if call.method in EVENTS:
            expression = f"list({expression})"
        if isinstance(call.result, BaseException):
            self._lines.append(f"assert {expression} is None")
            return
        wrong = self._recorder.source(call.result)
        compared = "is not" if wrong in {"None", "True", "False"} else "!="
        self._lines += ["# The judge says only that this is wrong.",
                        self._guarded(call, f"assert {expression} {compared} {wrong}")]  # fmt: skip

    def source(self, name: str, error: BaseException, judgement: str) -> str:
        """Return all of the test."""
        what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        said = [what, *([f"The judge: {judgement}"] * (judgement != ""))]
        comment = "\n".join(
            textwrap.fill(one, 100, initial_indent="    # ", subsequent_indent="    # ") for one in said
        )
        body = "".join(f"    {line}\n" for line in self._lines)
        helper = f"\n\n{BY_FRAME}" * self._by_frame + f"\n\n{inspect.getsource(unmasked)}" * self._unmasked
        for kind in self._recorder.classes.values():
            helper += f"\n\n{inspect.getsource(kind)}"
        others = set(re.findall(r"\bconnection\d*\b", body))
        if len(others) == 1:  # the only one that is left
            body = body.replace(others.pop(), "connection").replace("events_of_connection", "events")
        test = f"{helper}\n\ndef test_{name}() -> None:\n{comment}\n{body}"
        future = "from __future__ import annotations\n\n" * bool(self._recorder.classes)
        return f"{future}{_imports(test)}{test}"


def _events_of(call: Call) -> str:
    return "events" if call.name == "connection" else f"events_of_{call.name}"


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 100 else f"{text[:97]}..."


def _imports(source: str) -> str:
    """Import the names that a test uses: the standard library, pytest, then the library."""
    used = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    standard = [f"import {name}" for name in ("base64", "hashlib") if name in used]
    standard += ["from contextlib import suppress"] * ("suppress" in used)
    standard += ["from itertools import islice"] * ("islice" in used)
    standard += ["from typing import Any"] * ("Any" in used)
    modules: dict[str, set[str]] = {}
    for name in used:
        module = module_of(name)
        if module:
            modules.setdefault(module, set()).add(name)
    own = [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(modules.items())]
    blocks = (standard, ["import pytest"] * ("pytest" in used), own)
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"
