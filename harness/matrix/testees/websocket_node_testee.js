// /// script
// [tool.testee]
// needs = ["node"]
// npm = ["websocket"]
// start = "node {source}"
// ///
// websocket of npm ("WebSocket-Node"), server and client. It has no compression.
'use strict';
const { client: Client, server: Server } = require('websocket');
const { drive, listen, maxMessageSize, url, warn } = require('./contract.js');

const limits = {
  maxReceivedFrameSize: maxMessageSize, maxReceivedMessageSize: maxMessageSize, fragmentOutgoingMessages: false,
};

function echo(connection) {
  connection.on('error', warn);
  connection.on('message', (message) => {
    if (message.type === 'utf8') connection.sendUTF(message.utf8Data);
    else connection.sendBytes(message.binaryData);
  });
}

function visit(target, use) {
  return new Promise((ended) => {
    const client = new Client(limits);
    client.on('connectFailed', (error) => { warn(error); ended(); });
    client.on('connect', (connection) => { use(connection, ended); connection.on('close', ended); });
    client.connect(target);
  });
}

if (url) {
  const ask = (target) => visit(target, (connection, told) => connection.on('message', (text) => told(text.utf8Data)));
  drive((target) => visit(target, echo), ask);
} else {
  const httpServer = require('http').createServer((request, response) => response.writeHead(426).end());
  new Server({ httpServer, ...limits }).on('request', (request) => {
    try {
      echo(request.accept(null, request.origin)); // it would accept any subprotocol by itself
    } catch (error) {
      warn(error);
    }
  });
  listen(httpServer);
}
