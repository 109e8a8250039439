// /// script
// [tool.testee]
// needs = ["node"]
// npm = ["faye-websocket", "permessage-deflate"]
// start = "node {source}"
// ///
// faye-websocket of npm, over websocket-driver, server and client.
'use strict';
const WebSocket = require('faye-websocket');
const deflate = require('permessage-deflate');
const { drive, listen, maxMessageSize, url, warn } = require('./contract.js');

const options = { maxLength: maxMessageSize, extensions: [deflate] };

function echo(socket) {
  socket.on('error', warn);
  socket.on('message', (event) => socket.send(event.data));
}

function visit(target, use) {
  return new Promise((ended) => {
    const socket = new WebSocket.Client(target, [], options);
    use(socket, ended);
    socket.on('close', ended);
  });
}

if (url) {
  drive((target) => visit(target, echo), (target) => visit(target, (socket, told) => {
    socket.on('message', (event) => told(event.data));
  }));
} else {
  const server = require('http').createServer((request, response) => response.writeHead(426).end());
  server.on('upgrade', (request, socket, body) => {
    if (WebSocket.isWebSocket(request)) echo(new WebSocket(request, socket, body, [], options));
    else socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'); // its documentation leaves it to us
  });
  listen(server);
}
