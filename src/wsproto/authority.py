"""Host and port of a request: what a client writes, how a server reads it (RFC 6455 11.1, RFC 9110 7.2).

A name beyond ASCII travels label by label in IDNA: `xn--` and Punycode (RFC 5891, RFC 3492). Python has the
IDNA of 2003, which asks another domain where a name has ß (it writes ss), a final sigma or a joiner, and
refuses right-to-left labels that are registered today. Hence this rule: a label in Unicode and its `xn--`
form stand for each other where mapping (upper case, compatibility) has nothing to change.
"""

from __future__ import annotations

import re
import unicodedata

from .errors import LocalTypeError, LocalValueError
from .handshake_fields import refused

_IPV6 = r"[0-9A-Fa-f:.]+"  # what it may be of: `_is_ipv6` judges it
_OCTET = r"(?:25[0-5]|(?:2[0-4]|1[0-9]|[1-9])?[0-9])"
_IPV4_BEHIND_COLON = rf"(?<=:){_OCTET}(?:\.{_OCTET}){{3}}\Z"
_ZONE = r"(?:%[A-Za-z0-9\-._~%]+)?"  # RFC 6874 2, and as it is written outside of URIs
_SUB_DELIMS = r"!$&-,;="  # from & to , they are &'()*+,
# RFC 9110 7.2, RFC 3986 3.2: a name, an IPv4 address or an address in brackets, then perhaps a port.
_HOST = re.compile(  # R6455-3-01
    rf"((?:[A-Za-z0-9\-._~{_SUB_DELIMS}]|%[0-9A-Fa-f]{{2}})+|"
    rf"\[(?:({_IPV6})|[vV][0-9A-Fa-f]+\.[A-Za-z0-9\-._~:{_SUB_DELIMS}]+)\])(:[0-9]*)?"
)
_ADDRESS = rf"(\[)?({_IPV6}){_ZONE}(?(1)\](:[0-9]*)?)"
_MAX_HOST = 255 + len(":65535")
_MAX_LABEL = 63  # RFC 1035 2.3.4
_DOTS = "[.\N{IDEOGRAPHIC FULL STOP}\N{FULLWIDTH FULL STOP}\N{HALFWIDTH IDEOGRAPHIC FULL STOP}]"
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
_NO_JOINERS = dict.fromkeys(map(ord, _JOINERS))
# Characters that IDNA 2003 maps to others, or leaves out, and that IDNA 2008 keeps.
_CAPITAL_SHARP_S = "\N{LATIN CAPITAL LETTER SHARP S}"  # ss to some, ß to others
_DEVIATIONS = frozenset(
    "\N{LATIN SMALL LETTER SHARP S}\N{GREEK SMALL LETTER FINAL SIGMA}" + _JOINERS + _CAPITAL_SHARP_S
)
# What separates labels, and what mapping leaves out though it counts as printable.
_IN_NO_LABEL = (
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3002\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def written_host(host: str) -> bytes:
    """Return `host` as it stands in a request: names in IDNA, an IPv6 address in brackets, without its zone.

    A zone has a meaning on this machine alone (RFC 6874 4).
    """
    if not isinstance(host, str):
        raise LocalTypeError(f"A host must be a str, not {host!r}")
    written = host
    if not host.isascii():
        name, colon, port = host.partition(":")
        # R6455-11.1.1-01, R6455-11.1.2-01
        written = ".".join(map(_written_label, re.split(_DOTS, name))) + colon + port
    elif host.count(":") > 1 and (address := re.fullmatch(_ADDRESS, host)):
        written = f"[{address[2]}]{address[3] or ''}"  # R6455-4.1-23
    if not _is_host(written):  # R6455-4.1-03, -04, R9112-3.2-02
        raise LocalValueError(f"{host!r} is not a host (RFC 9110 7.2)")
    return written.encode("ascii")


def read_host(received: bytes) -> str:
    """Return the host of a request, its IDNA labels in Unicode; it may be empty (RFC 9110 7.2)."""
    host = received.decode("latin-1")  # so that anything gets as far as the match
    # R6455-4.2.1-04, R9112-3.2-01, R9113-8.3.1-01, R9114-4.3.1-02
    if host and (len(host) > _MAX_HOST or not _is_host(host)):
        raise refused(f"Bad header 'Host': {received!r} is not a host (RFC 9112 3.2)")
    if host.startswith("[") or "xn--" not in host.lower():
        return host
    name, colon, port = host.partition(":")
    try:
        return ".".join(map(_read_label, name.split("."))) + colon + port
    except UnicodeError as error:
        raise refused(f"Bad header 'Host': {received!r} is not valid IDNA (RFC 3492)") from error


def _is_host(text: str) -> bool:
    match = _HOST.fullmatch(text)
    return match is not None and (match[2] is None or _is_ipv6(match[2]))


def _is_ipv6(address: str) -> bool:
    """Tell whether there are eight groups, some of which `::` may stand for (RFC 3986 3.2.2)."""
    with_groups = re.sub(_IPV4_BEHIND_COLON, "0:0", address)
    before, compressed, behind = with_groups.partition("::")
    groups = [group for part in (before, behind) if part for group in part.split(":")]
    right = all(re.fullmatch("[0-9A-Fa-f]{1,4}", group) for group in groups)
    return right and (len(groups) < 8 if compressed else len(groups) == 8)


def _written_label(label: str) -> str:
    """Return a label that is not in ASCII in its `xn--` form, any other as it is (RFC 5891 4)."""
    if label.isascii():
        return label
    try:
        encoded = _ascii_form(label)
        if len(encoded) <= _MAX_LABEL:
            return encoded
    except UnicodeError:
        pass  # which says nothing of the rule
    raise LocalValueError(f"Give {label!r} of a host in its xn-- form, if it has one (RFC 5891 4)")


def _ascii_form(label: str) -> str:
    """Return the `xn--` form of a label beyond ASCII.

    :raises UnicodeError: where it has none, or means different names in IDNA 2003 and in 2008.
    """
    if _DEVIATIONS.isdisjoint(label):
        return _encoded(label) if _is_in_unicode_form(label) else label.encode("idna").decode("ascii")
    mapped = _mapped(label)
    if _CAPITAL_SHARP_S in label or not _is_in_unicode_form(mapped):
        raise UnicodeError("it means different names in IDNA 2003 and 2008")
    return _encoded(mapped)


def _read_label(label: str) -> str:
    """Return a label in Unicode if its Unicode form is written as this label, else as it is.

    :raises UnicodeError: for Punycode that does not decode, or a label that is too long.
    """
    lower = label.lower()
    if not lower.startswith("xn--"):
        return label
    if len(label) > _MAX_LABEL:
        raise UnicodeError(f"more than {_MAX_LABEL} characters")
    decoded = lower[4:].encode("ascii").decode("punycode")
    return decoded if _is_in_unicode_form(decoded) and _encoded(decoded) == lower else label


def _is_in_unicode_form(label: str) -> bool:
    """Tell whether a label is beyond ASCII, printable, and unchanged by mapping (RFC 5891 5.4)."""
    return (
        not label.isascii()
        and len(label) <= _MAX_LABEL
        and label.translate(_NO_JOINERS).isprintable()
        and not re.search(_IN_NO_LABEL, label)
        and _mapped(label) == label
    )


def _mapped(label: str) -> str:
    """Return a label in lower case and without compatibility characters, deviations left (UTS 46 4)."""
    composed = unicodedata.normalize("NFKC", label)
    # Character by character: `str.lower` makes a sigma at the end of a word a final one.
    return unicodedata.normalize("NFKC", "".join(map(str.lower, composed)))


def _encoded(label: str) -> str:
    return "xn--" + label.encode("punycode").decode("ascii")
