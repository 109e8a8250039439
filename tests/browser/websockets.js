// Tries all that a page can do with `WebSocket` against a server, and returns what happened.
async (port) => {
  const host = `127.0.0.1:${port}`;
  // Only where a connection of HTTP/2 is open, which may carry WebSockets, does a browser use it for one.
  await fetch(`https://${host}/`, { mode: "no-cors" }).catch(() => {});

  const opened = (path, protocols = []) => {
    const socket = new WebSocket(`wss://${host}${path}`, protocols);
    socket.binaryType = "arraybuffer";
    const arrived = [];
    const waiting = [];
    socket.onmessage = ({ data }) => (waiting.length ? waiting.shift()(data) : arrived.push(data));
    const closed = new Promise((done) => {
      socket.onclose = ({ code, reason, wasClean }) => {
        waiting.forEach((give) => give(null));
        done([code, reason, wasClean]);
      };
    });
    const open = new Promise((done) => {
      socket.onopen = () => done("open");
      closed.then(() => done("closed"));
    });
    const message = () => new Promise((done) => (arrived.length ? done(arrived.shift()) : waiting.push(done)));
    return { socket, open, closed, message };
  };

  const found = {};
  const one = opened("/chat");
  found.opens = await one.open;
  found.extensions = one.socket.extensions;
  found.noProtocol = one.socket.protocol;
  one.socket.send("Hello, é€😀");
  found.text = await one.message();
  one.socket.send("");
  found.empty = await one.message();
  one.socket.send(new Uint8Array([0, 1, 254, 255]));
  found.binary = [...new Uint8Array((await one.message()) ?? [])];
  const long = "0123456789abcdef".repeat(2 ** 16);
  one.socket.send(long);
  found.mebibyte = (await one.message()) === long;
  const bytes = crypto.getRandomValues(new Uint8Array(2 ** 16));
  const random = new Uint8Array(2 ** 20).map((_, at) => bytes[at % 2 ** 16] ^ (at >> 16));
  one.socket.send(random);
  const back = new Uint8Array((await one.message()) ?? []);
  found.binaryMebibyte = back.length === random.length && back.every((byte, at) => byte === random[at]);
  one.socket.close(4000, "the page's ✓");
  found.closedByPage = await one.closed;

  const two = opened("/chat", ["other", "chat"]);
  found.opensToo = await two.open;
  found.protocol = two.socket.protocol;
  two.socket.send("close 4001 the server's ✓");
  found.closedByServer = await two.closed;

  const refused = opened("/elsewhere");
  found.refused = await refused.open;
  found.afterRefusal = await refused.closed;

  const several = Array.from({ length: 10 }, () => opened("/"));
  found.several = await Promise.all(
    several.map(async ({ socket, open, closed, message }, number) => {
      await open;
      socket.send(`number ${number}`);
      const data = await message();
      socket.close();
      return [data, (await closed)[0]];
    }),
  );
  return found;
};
