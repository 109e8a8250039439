"""A bridge between suites, which speak HTTP/1.1, and a testee that speaks HTTP/2 or HTTP/3.

    server under test:  suite -- HTTP/1.1 --> bridge -- extended CONNECT --> testee
    client under test:  testee -- extended CONNECT --> bridge -- HTTP/1.1 --> suite

The bridge turns the opening handshake of one side into that of the other (`heads`), then passes bytes, which
it does not look at: RFC 8441 5 has the same frames on a stream that RFC 6455 has on a TCP connection. FIN
stands for END_STREAM, a reset of TCP for a reset of the stream with CANCEL. A side that takes nothing is not
read for: the other one gets no window.

A `passage` is one WebSocket. `http2` and `http3` are the connections that carry streams, of either role;
`bridge` joins them. The bridge is a process of its own (`python -m harness.transports`), which `carriage`
starts and supervises: where it dies, the harness has failed, and no case.
"""
