"""Tests endpoints that somebody else wrote: servers by their URL, clients that come to a fuzzing server."""
