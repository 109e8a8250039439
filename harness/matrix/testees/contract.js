// The common part of the testees in JavaScript: arguments, readiness line, the round of all cases.
'use strict';
const { parseArgs } = require('util');

const option = (type, value) => ({ type, default: value });
const { values: given, positionals: [url] } = parseArgs({
  allowPositionals: true,
  options: {
    port: option('string', '0'), transport: option('string', 'h1'), ca: option('string', ''), agent: option('string', 'testee'), modes: option('boolean', false),
    'max-message-size': option('string', String(16 * 2 ** 20)),
  },
});

exports.ca = given.ca; // file of the authority to trust, where the transport has TLS
exports.transport = given.transport;
exports.url = url; // of a fuzzing server; a server has none
exports.maxMessageSize = Number(given['max-message-size']);
exports.warn = (error) => console.error((error && error.message) || String(error));

exports.listen = (server) => {
  server.listen(Number(given.port), '127.0.0.1', () => {
    console.log(`Listening on ws://127.0.0.1:${server.address().port}`);
  });
};

/** Run every case: `echo(url)` sends messages back until the server closes, `ask(url)` gives the first message. */
exports.drive = async (echo, ask) => {
  const agent = encodeURIComponent(given.agent);
  const count = Number(await ask(`${url}/getCaseCount`));
  for (let number = 1; number <= count; number += 1) {
    console.log(`case ${number} of ${count}`);
    await echo(`${url}/runCase?case=${number}&agent=${agent}`);
  }
  await echo(`${url}/updateReports?agent=${agent}`);
  process.exit(0);
};
