// A balancer for Socket.IO, small enough to read:   node examples/cluster/balancer.mjs PORT INSTANCE_PORT…
//
// A session over long polling is many requests, and only the instance that opened it knows it. So the balancer reads
// the session's id (`sid`) out of the answer that opens it, and sends every request with this `sid` to that instance.
// A WebSocket is one connection, which stays where it began. haproxy.cfg, beside this file, is the one for production.
import { Agent, createServer, request as send } from 'node:http';
import { connect } from 'node:net';
import { pipeline } from 'node:stream';

const host = '127.0.0.1';
const checkIntervalMs = 500;
const checkTimeoutMs = 2_000;
/** A client that polls is heard each 25 s; a session that is silent for longer than this has ended. */
const forgetAfterMs = 120_000;

const [port, ...instancePorts] = process.argv.slice(2).map(Number);
/** The one that was chosen last is the last. */
const instances = instancePorts.map((each) => ({ port: each, ready: false, open: 0 }));
/** By `sid`; the one that was used last is the last. */
const sessions = new Map();
// A connection that is kept may be closed by the instance just as it is used again.
const agent = new Agent({ keepAlive: false });

const server = createServer((request, response) => {
  const sid = sidOf(request);
  const instance = choose(sid);
  if (!instance) {
    refuse(response);
    return;
  }
  const { method, url: path, headers } = request;
  const onward = send({ agent, host, port: instance.port, method, path, headers: endToEnd(headers) });
  hold(instance, response);
  response.once('close', () => onward.destroy());
  onward.once('error', () => {
    lose(instance, sid);
    if (response.headersSent) response.destroy();
    else refuse(response);
  });
  onward.once('response', (answer) => {
    if (sid === null && path.startsWith('/socket.io/'))
      answer.once('data', (chunk) => learn(chunk, instance));
    response.writeHead(answer.statusCode, endToEnd(answer.headers));
    pipeline(answer, response, () => {});
  });
  request.pipe(onward);
});

// What was upgraded is passed on byte by byte, and so is a refusal.
server.on('upgrade', (request, socket, head) => {
  const sid = sidOf(request);
  const instance = choose(sid);
  if (!instance) return void socket.end('HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n');
  hold(instance, socket);
  const onward = connect(instance.port, host);
  onward.once('error', () => lose(instance, sid));
  onward.write(`${request.method} ${request.url} HTTP/1.1\r\n`);
  for (let n = 0; n < request.rawHeaders.length; n += 2)
    onward.write(`${request.rawHeaders[n]}: ${request.rawHeaders[n + 1]}\r\n`);
  onward.write('\r\n');
  onward.write(head);
  pipeline(socket, onward, socket, () => {});
});

function sidOf({ url }) {
  return new URL(url, 'http://balancer').searchParams.get('sid');
}

/** The instance of a session, ready or not; else the ready one with the fewest connections, in turn among equals. */
function choose(sid) {
  if (sessions.has(sid)) {
    const { instance } = sessions.get(sid);
    remember(sid, instance);
    return instance;
  }
  const ready = instances.filter((each) => each.ready);
  const [instance] = ready.sort((one, other) => one.open - other.open);
  if (instance) instances.push(...instances.splice(instances.indexOf(instance), 1));
  return instance;
}

function learn(chunk, instance) {
  const sid = /"sid":"([\w-]+)"/.exec(chunk.toString('latin1'))?.[1];
  if (sid !== undefined) remember(sid, instance);
}

function remember(sid, instance) {
  const now = performance.now();
  sessions.delete(sid);
  sessions.set(sid, { instance, at: now });
  for (const [oldest, { at }] of sessions) {
    if (at > now - forgetAfterMs) break;
    sessions.delete(oldest);
  }
}

function hold(instance, connection) {
  instance.open += 1;
  connection.once('close', () => (instance.open -= 1));
}

/** It does not answer. A session that it had ends here too: its client connects anew, with its cursor. */
function lose(instance, sid) {
  sessions.delete(sid);
  see(instance, false);
}

function see(instance, ready) {
  if (ready !== instance.ready) console.log(`[balancer] ${instance.port} is ${ready ? 'in' : 'out'}`);
  instance.ready = ready;
}

function refuse(response) {
  response.writeHead(503, { 'retry-after': '1' }).end();
}

/** Without what is agreed upon for one connection only. */
function endToEnd(headers) {
  const ofConnection = ['connection', 'keep-alive'];
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !ofConnection.includes(name)));
}

async function check(instance) {
  const url = `http://${host}:${instance.port}/health/ready`;
  const ready = await fetch(url, { signal: AbortSignal.timeout(checkTimeoutMs) }).then(
    ({ ok }) => ok,
    () => false,
  );
  see(instance, ready);
  setTimeout(() => void check(instance), checkIntervalMs);
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));
server.listen(port, host);
await Promise.all(instances.map(check));
