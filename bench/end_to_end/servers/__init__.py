"""The echo servers, a file each, and each run in an environment of its own.

A server listens on a free port of 127.0.0.1, without compression and without pings of its own, and says so by
`serving.ready`. It sends every message back as one frame, and ends with the process that started it.
"""
