// A testee in JavaScript, over ws (npm install ws):
//   node testee.js --port 0                          a server, which prints where it listens
//   node testee.js ws://127.0.0.1:9001 --agent NAME  a client, which runs every case of a fuzzing server
// Both take --max-message-size BYTES, the client --modes; harness/README.md has the whole contract.
// /// script
// [tool.testee]
// name = "ws"
// needs = ["node"]
// npm = ["ws"]
// start = "node {source}"
// ///
const { parseArgs } = require('util');
const { WebSocket, WebSocketServer } = require('ws');

const option = (type, value) => ({ type, default: value });
const { values: given, positionals: [url] } = parseArgs({
  allowPositionals: true,
  options: {
    port: option('string', '0'), agent: option('string', 'ws'), modes: option('boolean', false),
    'max-message-size': option('string', String(16 * 2 ** 20)),
  },
});
const MODES = ['fragments', 'close', 'ping', 'subprotocol', 'deflate'];

const warn = (error) => console.error(error.message);

function modeOf(path) {
  const { pathname, searchParams: query } = new URL(path, 'ws://localhost');
  const [, name, rest = ''] = pathname.split('/').map(decodeURIComponent);
  return { name, rest, query };
}

function optionsOf({ name, query }) {
  const deflate = { threshold: 0 }; // of /deflate?server_no_context_takeover&client_max_window_bits=10
  for (const [key, value] of name === 'deflate' ? query : []) {
    deflate[key.replace(/_(.)/g, (_, letter) => letter.toUpperCase())] = Number(value) || true;
  }
  return { maxPayload: Number(given['max-message-size']), perMessageDeflate: deflate };
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
  try {
    if (name === 'close') socket.close(Number(query.get('code') || 1000), query.get('reason') || '');
    if (name === 'ping') socket.ping(query.get('payload') || '');
    if (name === 'modes') socket.send(MODES.join(' '), () => socket.close(1000));
  } catch (error) {
    warn(error); // ws refuses to send it
  }
}

function serve() {
  const upgrade = { Upgrade: 'websocket', Connection: 'Upgrade' }; // is what a request lacks that gets a 426
  const server = require('http').createServer((request, response) => response.writeHead(426, upgrade).end());
  server.on('upgrade', (request, connection, head) => {
    const mode = modeOf(request.url);
    const handleProtocols = (offers) => mode.name === 'subprotocol' && offers.has(mode.rest) && mode.rest;
    const handshake = new WebSocketServer({ noServer: true, handleProtocols, ...optionsOf(mode) });
    handshake.handleUpgrade(request, connection, head, (socket) => echo(socket.on('error', warn), mode));
  });
  const ready = () => console.log(`Listening on ws://127.0.0.1:${server.address().port}`);
  server.listen(Number(given.port), '127.0.0.1', ready);
}

const connect = (path, mode = modeOf('/'), offers = []) => new WebSocket(`${url}${path}`, offers, optionsOf(mode));
const ask = (path) => new Promise((told) => connect(path).on('message', (text) => told(String(text))));

async function drive() {
  const agent = encodeURIComponent(given.agent);
  const count = Number(await ask('/getCaseCount'));
  for (let number = 1; number <= count; number += 1) {
    console.log(`case ${number} of ${count}`);
    const asked = `case=${number}&agent=${agent}`;
    const mode = modeOf(given.modes ? await ask(`/getCaseMode?${asked}&modes=${MODES}`) : '/');
    const socket = connect(`/runCase?${asked}`, mode, mode.name === 'subprotocol' ? [mode.rest] : []);
    socket.on('open', () => echo(socket, mode));
    await new Promise((ended) => { socket.on('error', warn).on('close', ended); });
  }
  connect(`/updateReports?agent=${agent}`).on('close', () => process.exit(0));
}

(url ? drive : serve)();
