// /// script
// [tool.testee]
// name = "ws"
// needs = ["node"]
// npm = ["ws"]
// transports = ["h2"]
// start = "node {source}"
// ///
// ws over Node's http2: a WebSocket gets a stream for its socket. ws has no handshake for that: this one is short,
// and negotiates compression by ws's own parts, as its server does.
'use strict';
const http2 = require('http2');
const WebSocket = require('ws');
const { listen, maxMessageSize, warn } = require('./contract.js');
const { PerMessageDeflate, extension } = WebSocket;

function accepted(offered) {
  const name = PerMessageDeflate.extensionName;
  const offers = offered === undefined ? {} : extension.parse(offered);
  if (!offers[name]) return {};
  const deflate = new PerMessageDeflate({ threshold: 0, isServer: true, maxPayload: maxMessageSize });
  deflate.accept(offers[name]);
  return { [name]: deflate };
}

/** Return the header section that answers a request, and the extensions where it accepts. */
function answer(headers) {
  if (headers[':protocol'] !== 'websocket') return [{ ':status': 501 }];
  if (headers['sec-websocket-version'] !== '13') return [{ ':status': 400, 'sec-websocket-version': '13' }];
  try {
    const extensions = accepted(headers['sec-websocket-extensions']);
    const params = Object.entries(extensions).map(([name, deflate]) => [name, [deflate.params]]);
    const named = params.length ? { 'sec-websocket-extensions': extension.format(Object.fromEntries(params)) } : {};
    return [{ ':status': 200, ...named }, extensions];
  } catch (error) {
    warn(error);
    return [{ ':status': 400 }];
  }
}

const server = http2.createServer({ settings: { enableConnectProtocol: true } });
server.on('stream', (stream, headers) => {
  stream.on('error', warn);
  const [section, extensions] = answer(headers);
  stream.respond(section, { endStream: !extensions });
  if (!extensions) return;
  stream.setNoDelay = () => {};
  const socket = new WebSocket(null, undefined, { autoPong: true });
  socket._extensions = extensions;
  socket.on('error', warn);
  socket.on('message', (data, binary) => socket.send(data, { binary }));
  socket.setSocket(stream, Buffer.alloc(0), {
    allowSynchronousEvents: true, maxPayload: maxMessageSize, skipUTF8Validation: false,
  });
});
server.on('sessionError', warn);
listen(server);
