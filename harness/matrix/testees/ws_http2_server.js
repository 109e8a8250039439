// /// script
// [tool.testee]
// name = "ws"
// needs = ["node"]
// npm = ["ws"]
// transports = ["h2"]
// start = "node {source}"
// ///
// ws over Node's http2: a WebSocket gets a stream for its socket. ws has no handshake for that: this one is short.
'use strict';
const http2 = require('http2');
const WebSocket = require('ws');
const { listen, maxMessageSize, warn } = require('./contract.js');

function refusal(headers) {
  if (headers[':protocol'] !== 'websocket') return { ':status': 501 };
  if (headers['sec-websocket-version'] !== '13') return { ':status': 400, 'sec-websocket-version': '13' };
  return null;
}

const server = http2.createServer({ settings: { enableConnectProtocol: true } });
server.on('stream', (stream, headers) => {
  stream.on('error', warn);
  const refused = refusal(headers);
  if (refused) {
    stream.respond(refused, { endStream: true });
    return;
  }
  stream.respond({ ':status': 200 });
  stream.setNoDelay = () => {};
  const socket = new WebSocket(null, undefined, { autoPong: true });
  socket.on('error', warn);
  socket.on('message', (data, binary) => socket.send(data, { binary }));
  socket.setSocket(stream, Buffer.alloc(0), {
    allowSynchronousEvents: true, maxPayload: maxMessageSize, skipUTF8Validation: false,
  });
});
server.on('sessionError', warn);
listen(server);
