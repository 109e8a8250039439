"""Tests endpoints that somebody else wrote: any server, by its URL."""
