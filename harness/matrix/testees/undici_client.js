// /// script
// [tool.testee]
// needs = ["node"]
// npm = ["undici"]
// transports = ["h1", "h2"]
// tls = true
// start = "node {source}"
// ///
// undici, the WebSocket client that is part of Node.
'use strict';
const { readFileSync } = require('fs');
const { Agent, WebSocket } = require('undici');
const { ca, drive, maxMessageSize, transport, warn } = require('./contract.js');

const dispatcher = new Agent({
  allowH2: transport === 'h2',
  connect: ca ? { ca: readFileSync(ca) } : {},
  webSocket: { maxPayloadSize: maxMessageSize },
});

function visit(target, use) {
  return new Promise((ended) => {
    const socket = new WebSocket(target, { dispatcher });
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('error', (event) => warn(event.error || event.message));
    socket.addEventListener('message', (event) => use(socket, event.data, ended));
    socket.addEventListener('close', () => ended());
    let closing = 0; // over HTTP/2 the event may not come: a second in which it closes is enough
    const look = setInterval(() => {
      if (transport !== 'h2' || socket.readyState < WebSocket.CLOSING || (closing += 1) < 5) return;
      clearInterval(look);
      ended();
    }, 200);
    look.unref();
  });
}

drive(
  (target) => visit(target, (socket, data) => socket.send(data)),
  (target) => visit(target, (_, data, told) => told(data)),
);
