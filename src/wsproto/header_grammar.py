"""The grammar of HTTP header values (RFC 9110 5.6) and of extensions (RFC 6455 9.1), over bytes.

White space is SP and HTAB, nothing else. Every pattern is linear: alternatives start with different bytes.
"""

from __future__ import annotations

import re

_TCHARS = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TCHAR = rb"[!#-'*+\-.0-9A-Z^-z|~]"  # the same, in ranges: a pattern of them compiles in half the time
TOKEN = _TCHAR + rb"+"  # RFC 9110 5.6.2
_QUOTED_TOKEN = rb'"(?:\\?' + _TCHAR + rb')+"'  # RFC 6455 9.1: unquoted, it has to be a token
_OWS = rb"[ \t]*"  # R6455-4.3-04, R9110-5.6.3-02
_NAME = _OWS + rb"(" + TOKEN + rb")" + _OWS
_PARAMETER = rb";" + _NAME + rb"(?:=" + _OWS + rb"(" + TOKEN + rb"|" + _QUOTED_TOKEN + rb")" + _OWS + rb")?"
# RFC 9110 5.5: visible bytes, SP, HTAB and obs-text.
_FIELD_BYTES = b"\t" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))
_COMMA_OR_QUOTE = re.compile(rb'"(?:[^"\\]|\\.)*"|,|"', re.DOTALL)
_EXTENSION = re.compile(_NAME + rb"(?:" + _PARAMETER + rb")*")
_EACH_PARAMETER = re.compile(_PARAMETER)


class GrammarError(ValueError):
    """A header value does not follow its grammar."""


def is_token(value: bytes) -> bool:
    """Tell whether `value` is a token (RFC 9110 5.6.2)."""
    return value != b"" and not value.translate(None, _TCHARS)


def is_protocol(value: bytes) -> bool:
    """Tell whether `value` names a protocol, perhaps with a version (RFC 9110 7.8)."""
    name, slash, version = value.partition(b"/")
    return is_token(name) and (not slash or is_token(version))


def is_field_value(value: bytes) -> bool:
    """Tell whether `value` can be the value of a header, without white space around it (RFC 9110 5.5)."""
    return not value.translate(None, _FIELD_BYTES) and value == value.strip(b" \t")


def split_list(value: bytes) -> list[bytes]:
    """Split `value` at its commas, except those in quoted strings (RFC 9110 5.6.1).

    The elements come without the white space around them; empty ones are left out (5.6.1.2).

    :raises GrammarError: for a quoted string that does not end.
    """
    if b'"' not in value:
        elements = value.split(b",")
    else:
        elements = []
        start = 0
        for match in _COMMA_OR_QUOTE.finditer(value):
            if match[0] == b",":
                elements.append(value[start : match.start()])
                start = match.end()
            elif match[0] == b'"':
                raise GrammarError(f"{value!r} has a quoted string that does not end (RFC 9110 5.6.4)")
        elements.append(value[start:])
    return [element for part in elements if (element := part.strip(b" \t"))]  # R9110-5.6.1.2-01


def is_extension(element: bytes) -> bool:
    """Tell whether `element` is an extension with its parameters (RFC 6455 9.1)."""
    return _EXTENSION.fullmatch(element) is not None


def parse_extension(element: bytes) -> tuple[str, list[tuple[str, str | None]]]:
    """Parse one extension with its parameters (RFC 6455 9.1): its name, and (name, value or None) of each.

    A value may be quoted; unquoted, it has to be a token all the same.

    :raises GrammarError: where `element` is not an extension.
    """
    match = _EXTENSION.fullmatch(element)
    if match is None:
        raise GrammarError(f"{element!r} is not an extension with its parameters (RFC 6455 9.1)")
    parameters = [
        # A token cannot have a backslash in it.
        # R9110-5.6.4-01
        (key.decode("ascii"), value.strip(b'"').replace(b"\\", b"").decode("ascii") if value else None)
        for key, value in _EACH_PARAMETER.findall(element, match.end(1))
    ]
    return match[1].decode("ascii"), parameters
