"""The common part of the servers; it needs the standard library alone: each has its own environment."""

from __future__ import annotations

HOST = "127.0.0.1"

MAX_MESSAGE_SIZE = 2**20
"""Bytes in the longest message that a server accepts."""


def ready(port: int, *releases: str) -> None:
    """Say that connections are accepted, by which releases (`"picows 2.3.1"`)."""
    print(f"Listening on {HOST} port {port} with {', '.join(releases)}", flush=True)
