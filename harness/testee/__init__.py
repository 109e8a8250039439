"""The testee that the harness brings along: an echo server and an echo client over this library."""
