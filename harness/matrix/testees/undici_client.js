// /// script
// [tool.testee]
// needs = ["node"]
// npm = ["undici"]
// start = "node {source}"
// ///
// undici, the WebSocket client that is part of Node.
'use strict';
const { Agent, WebSocket } = require('undici');
const { drive, maxMessageSize, warn } = require('./contract.js');

const dispatcher = new Agent({ webSocket: { maxPayloadSize: maxMessageSize } });

function visit(target, use) {
  return new Promise((ended) => {
    const socket = new WebSocket(target, { dispatcher });
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('error', (event) => warn(event.error || event.message));
    socket.addEventListener('message', (event) => use(socket, event.data, ended));
    socket.addEventListener('close', () => ended());
  });
}

drive(
  (target) => visit(target, (socket, data) => socket.send(data)),
  (target) => visit(target, (_, data, told) => told(data)),
);
