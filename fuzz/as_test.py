"""Makes a pytest case of the calls that a target made: it fails as long as the library is wrong."""

from __future__ import annotations

import ast
import base64
import hashlib
import re
import textwrap
import traceback
from typing import TYPE_CHECKING, Any, Final

from fuzz.recording import EVENTS, PROPERTIES, NotPublicError, module_of, public_error
from wsproto.events import CloseConnection, Message
from wsproto.utilities import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from fuzz.recording import Call, Recorder

QUERIES: Final = (*PROPERTIES, "can_send", "enabled")
"""They change nothing: a test needs the last of them alone."""

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
    story = _Story(recorder)
    last = recorder.calls[-1]
    # The innermost function that says what had to come.
    judges = [one for one in frames if one.f_code.co_name in REFUSES or "due" in one.f_locals]
    judge = judges[-1] if judges else None
    not_raised = _NOT_RAISED.search(str(error))
    if last.raised is error:
        story.tell(recorder.calls)
    elif not_raised is not None and module_of(not_raised[1]):
        story.tell(recorder.calls[:-1])
        story.refuse(last, not_raised[1])
    elif judge is not None and "due" not in judge.f_locals:
        story.tell_refused()
    elif judge is not None:
        story.compare(judge.f_locals)
    else:
        story.tell(recorder.calls[:-1])
        story.deny(last)
    return story.source(name, error, "" if last.raised is error else judgement)


class _Story:
    """The lines of a test."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._lines: list[str] = []
        self._accept = b""
        """What answers the key that a client sent, which is another one in each run."""
        self._by_frame = False
        self._listening: set[str] = set()

    def tell(self, calls: Iterable[Call]) -> None:
        """Write the calls down."""
        calls = [call for call in calls if call.method not in QUERIES]
        self._listening = {call.name for call in calls if call.method == EVENTS}
        before = None
        for call in calls:
            # Another look at what has no more events changes nothing.
            again = before is not None and call.method == before.method == EVENTS and call.result == []
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
        line = self._expression(call)
        if call.method == "__init__":
            line = f"{call.name} = {line}"
        elif call.method == EVENTS:
            line = f"{_events_of(call)} += {line}"
            line += f"  # {_short(call.result)}"
        elif call.method in {"accept", "finalize", "offer"}:
            line += f"  # {_short(call.result)}"
        if call.raised is not None and call is not self._recorder.calls[-1]:
            line = f"with pytest.raises({public_error(call.raised)}):\n        {line}"
        key = _KEY.search(call.result) if call.method == "send" and isinstance(call.result, bytes) else None
        accept = (
            base64.b64encode(hashlib.sha1(key[1] + _GUID, usedforsecurity=False).digest()) if key else b""
        )
        if key and any(accept.decode() in "".join(other.arguments) for other in self._recorder.calls):
            self._accept = accept
            line = f'key = {line}.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\\r\\n")[0]\n'
            line += f"    accept = base64.b64encode(hashlib.sha1(key + {_GUID!r}).digest())"
        self._lines.append(line)
        if call.method == "__init__" and call.name in self._listening:
            self._lines.append(f"{_events_of(call)} = []")

    def _expression(self, call: Call) -> str:
        arguments = ", ".join(call.arguments)
        if self._accept and self._accept.decode() in arguments:
            arguments = f"{arguments}.replace({self._accept!r}, accept)"
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
        self.tell_of(calls[last].name, calls[:last])
        self.refuse(calls[last], RemoteProtocolError.__name__)

    def refuse(self, call: Call, kind: str) -> None:
        """Expect an error of a call."""
        self._lines.append(f"with pytest.raises({kind}):\n        {self._expression(call)}")

    def compare(self, known: dict[str, Any]) -> None:
        """Compare the events with those that the judge's own reader found in the same bytes."""
        due, connection, count = known["due"], known.get("connection"), len(known.get("events", ()))
        name = next((call.name for call in self._recorder.calls if call.of is connection), None)
        if name is None or not hasattr(due, "codes"):
            raise NotPublicError("the judge compares something else than the events of a connection")
        self.tell_of(name, self._recorder.calls)
        got = f"events_of_{name}" if name != "connection" else "events"
        whole = [one for call in self._recorder.calls if call.name == name and call.method == EVENTS
                 for one in self._taken(call)]  # fmt: skip
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

    def deny(self, call: Call) -> None:
        """Deny what came of the last call, where the judge does not say what should have come."""
        if call.raised is not None:
            self._lines.append(f"{self._expression(call)}  # must not raise")
            return
        if call.method == "__init__":
            raise NotPublicError("the judge compares what the calls do not show")
        expression = self._expression(call)
        if call.method == EVENTS:
            expression = f"list({expression})"
        wrong = self._recorder.source(call.result)
        compared = "is not" if wrong in {"None", "True", "False"} else "!="
        self._lines += ["# The judge says only that this is wrong.",
                        f"assert {expression} {compared} {wrong}"]  # fmt: skip

    def source(self, name: str, error: BaseException, judgement: str) -> str:
        """Return all of the test."""
        what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        said = [what, *([f"The judge: {judgement}"] * (judgement != ""))]
        comment = "\n".join(
            textwrap.fill(one, 100, initial_indent="    # ", subsequent_indent="    # ") for one in said
        )
        body = "".join(f"    {line}\n" for line in self._lines)
        helper = f"\n\n{BY_FRAME}" if self._by_frame else ""
        others = set(re.findall(r"\bconnection\d*\b", body))
        if len(others) == 1:  # the only one that is left
            body = body.replace(others.pop(), "connection").replace("events_of_connection", "events")
        test = f"{helper}\n\ndef test_{name}() -> None:\n{comment}\n{body}"
        return f"{_imports(test)}{test}"


def _events_of(call: Call) -> str:
    return "events" if call.name == "connection" else f"events_of_{call.name}"


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 100 else f"{text[:97]}..."


def _imports(source: str) -> str:
    """Import the names that a test uses: the standard library, pytest, then the library."""
    used = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    standard = [f"import {name}" for name in ("base64", "hashlib") if name in used]
    standard += ["from itertools import islice"] * ("islice" in used)
    modules: dict[str, set[str]] = {}
    for name in used:
        module = module_of(name)
        if module:
            modules.setdefault(module, set()).add(name)
    own = [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(modules.items())]
    blocks = (standard, ["import pytest"] * ("pytest" in used), own)
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"
