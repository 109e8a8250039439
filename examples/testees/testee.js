// A testee in JavaScript, over ws: npm install ws
//
//   node testee.js --port 0                          a server, which prints where it listens
//   node testee.js ws://127.0.0.1:9001 --agent NAME  a client, which runs every case of a fuzzing server
//
// Both take --max-message-size BYTES, the client --modes; harness/README.md has the whole contract.
'use strict';
const http = require('http');
const { parseArgs } = require('util');
const { WebSocket, WebSocketServer } = require('ws');

const { values: given, positionals: [url] } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: 'string', default: '0' },
    agent: { type: 'string', default: 'ws' },
    modes: { type: 'boolean', default: false },
    'max-message-size': { type: 'string', default: String(16 * 2 ** 20) },
  },
});
const maxPayload = Number(given['max-message-size']);
const MODES = ['fragments', 'close', 'ping', 'subprotocol', 'deflate'];

function modeOf(path) {
  const { pathname, searchParams: query } = new URL(path, 'ws://localhost');
  const [, name, rest = ''] = pathname.split('/');
  return { name, rest: decodeURIComponent(rest), query };
}

function optionsOf({ name, query }) {
  const deflate = { threshold: 0 }; // of /deflate?server_no_context_takeover&client_max_window_bits=10
  for (const [key, value] of name === 'deflate' ? query : []) {
    deflate[key.replace(/_(.)/g, (_, letter) => letter.toUpperCase())] = Number(value) || true;
  }
  return { maxPayload, perMessageDeflate: deflate };
}

function echo(socket, { name, query }) {
  socket.on('message', (data, binary) => {
    const whole = binary ? data : Array.from(data.toString()); // a text is cut between its characters
    const size = name === 'fragments' ? Number(query.get('size')) : whole.length || 1;
    for (let at = 0; at === 0 || at < whole.length; at += size) {
      const piece = whole.slice(at, at + size);
      socket.send(binary ? piece : piece.join(''), { binary, fin: at + size >= whole.length });
    }
  });
  if (name === 'close') socket.close(Number(query.get('code') || 1000), query.get('reason') || '');
  if (name === 'ping') socket.ping(query.get('payload') || '');
  if (name === 'modes') socket.send(MODES.join(' '), () => socket.close(1000));
}

function serve() {
  const server = http.createServer();
  server.on('upgrade', (request, connection, head) => {
    const mode = modeOf(request.url);
    const handleProtocols = (offered) => mode.name === 'subprotocol' && offered.has(mode.rest) && mode.rest;
    const handshake = new WebSocketServer({ noServer: true, handleProtocols, ...optionsOf(mode) });
    handshake.handleUpgrade(request, connection, head, (socket) => {
      socket.on('error', (error) => console.error(error.message));
      echo(socket, mode);
    });
  });
  server.listen(Number(given.port), '127.0.0.1', () => console.log(`Listening on ws://127.0.0.1:${server.address().port}`));
}

const connect = (path, mode = modeOf('/'), offers = []) => new WebSocket(`${url}${path}`, offers, optionsOf(mode));
const ask = (path) => new Promise((told, failed) => connect(path).on('message', (text) => told(String(text))).on('error', failed));

async function drive() {
  const agent = encodeURIComponent(given.agent);
  const count = Number(await ask('/getCaseCount'));
  for (let number = 1; number <= count; number += 1) {
    console.log(`case ${number} of ${count}`);
    const asked = `case=${number}&agent=${agent}`;
    const mode = modeOf(given.modes ? await ask(`/getCaseMode?${asked}&modes=${MODES}`) : '/');
    const socket = connect(`/runCase?${asked}`, mode, mode.name === 'subprotocol' ? [mode.rest] : []);
    socket.on('error', (error) => console.error(error.message)).on('open', () => echo(socket, mode));
    await new Promise((ended) => { socket.on('close', ended); });
  }
  connect(`/updateReports?agent=${agent}`).on('close', () => process.exit(0));
}

if (url) drive();
else serve();
