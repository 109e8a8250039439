"""The tree of sections: the title of each, and the section of the RFC that it tests."""

from __future__ import annotations

import re

from harness.cases import SECTIONS
from harness.streams import SHARED

# The titles of 6.5 to 6.23 are those of Markus Kuhn's UTF-8 decoder test, which these cases come from.
TITLES = {
    **SECTIONS,
    "1.1": "Text messages",
    "1.2": "Binary messages",
    "4.1": "Reserved non-control opcodes",
    "4.2": "Reserved control opcodes",
    "6.1": "Valid UTF-8, with empty fragments",
    "6.2": "Valid UTF-8, fragmented on and within code points",
    "6.3": "Invalid UTF-8, fragmented",
    "6.4": "Fail fast on invalid UTF-8",
    "6.5": "Some valid UTF-8 sequences",
    "6.6": "All prefixes of a valid text",
    "6.7": "First possible sequence of a length",
    "6.8": "First possible sequence of 5 and 6 bytes",
    "6.9": "Last possible sequence of a length",
    "6.10": "Last possible sequence of 4, 5 and 6 bytes",
    "6.11": "Other boundary conditions",
    "6.12": "Unexpected continuation bytes",
    "6.13": "Lonely start characters",
    "6.14": "Sequences without their last continuation byte",
    "6.15": "Incomplete sequences in a row",
    "6.16": "Impossible bytes",
    "6.17": "Overlong ASCII characters",
    "6.18": "Maximum overlong sequences",
    "6.19": "Overlong NUL characters",
    "6.20": "Single UTF-16 surrogates",
    "6.21": "Paired UTF-16 surrogates",
    "6.22": "Non-character code points, which are valid",
    "6.23": "Unicode specials",
    "7.1": "Basic close behaviour",
    "7.3": "Close frames: length of the payload",
    "7.5": "Close frames: value of the payload",
    "7.7": "Close frames: valid close codes",
    "7.9": "Close frames: invalid close codes",
    "7.13": "Close frames: codes that are left open",
    "9.1": "Text messages of growing size",
    "9.2": "Binary messages of growing size",
    "9.3": "Text of 4 MiB, in growing fragments",
    "9.4": "Binary of 4 MiB, in growing fragments",
    "9.5": "Text of 1 MiB, in growing writes",
    "9.6": "Binary of 1 MiB, in growing writes",
    "9.7": "Round trips of text messages",
    "9.8": "Round trips of binary messages",
    "10.1": "Messages that the sender fragments by itself",
    "12.1": "JSON",
    "12.2": "A bitmap",
    "12.3": "Plain text",
    "12.4": "HTML",
    "12.5": "A PDF",
    "13.1": "All defaults",
    "13.2": "No context takeover",
    "13.3": "Window of 9 bits",
    "13.4": "Window of 15 bits",
    "13.5": "No context takeover, window of 9 bits",
    "13.6": "No context takeover, window of 15 bits",
    "13.7": "Several offers",
    "X.16.3": SECTIONS["X.3"],
    "X.16.4": SECTIONS["X.4"],
    "X.16.7": SECTIONS["X.7"],
    **SHARED,
}
"""The title of each section, of both levels."""

REFERENCES = {
    "X.1": "RFC 6455 4.2.1",
    "X.2": "RFC 6455 4.1",
    "X.3": "RFC 6455 5",
    "X.4": "RFC 6455 7.4",
    "X.5": "RFC 7692 5",
    "X.6": "RFC 7692 5",
    "X.7": "RFC 7692 7.2",
    "X.8": "RFC 7692 7.1.2",
    "X.9": "RFC 6455 10.4",
    "X.10": "RFC 6455 5",
    "X.11": "RFC 6455 7.1",
    "X.12": "RFC 6455 10.7",
    "X.13": "RFC 6455 6.2",
    "X.14": "RFC 6455 10.4",
    "X.15": "RFC 6455 8.1",
    "X.16": "RFC 6455 6.2",
    "H.1": "RFC 8441 3",
    "H.2": "RFC 8441 4",
    "H.3": "RFC 9113 8.3",
    "H.4": "RFC 9113 8.2",
    "H.5": "RFC 8441 5",
    "H.6": "RFC 9113 8.5",
    "H.7": "RFC 8441 5",
    "H.8": "RFC 9113 6.9",
    "H.9": "RFC 8441 5",
    "H.10": "RFC 8441 5",
    "H.11": "RFC 8441 5",
    "1": "RFC 6455 5.6",
    "2": "RFC 6455 5.5.2",
    "3": "RFC 6455 5.2",
    "4": "RFC 6455 5.2",
    "5": "RFC 6455 5.4",
    "6": "RFC 6455 8.1",
    "7": "RFC 6455 7",
    "7.1": "RFC 6455 5.5.1",
    "7.3": "RFC 6455 5.5.1",
    "7.5": "RFC 6455 8.1",
    "7.7": "RFC 6455 7.4.1",
    "7.9": "RFC 6455 7.4",
    "7.13": "RFC 6455 7.4.2",
    "9": "RFC 6455 10.4",
    "10": "RFC 6455 5.4",
    "12": "RFC 7692 7.2",
    "13": "RFC 7692 7.1",
}
"""The section of an RFC that a section tests, and those below it that have no entry here."""


def parent_of(case: str) -> str:
    """Return the lowest section of a case: `"6.4"` of `"6.4.1"`, `"2"` of `"2.1"`."""
    return case.rpartition(".")[0] or case


def reference_of(section: str) -> str:
    """Return its section of an RFC, or `""`."""
    while section and section not in REFERENCES:
        section = section.rpartition(".")[0]
    return REFERENCES.get(section, "")


def link_of(reference: str) -> str:
    """Return the address of `RFC 6455 5.4` and the like, or `""` for anything else."""
    found = re.fullmatch(r"RFC (\d+) ([\d.]*\d)", reference)
    return f"https://www.rfc-editor.org/rfc/rfc{found[1]}#section-{found[2]}" if found else ""
