"""Echo servers over real sockets, the library beside its peers: `python -m bench.end_to_end`."""
