// Two instances over one Postgres, behind a balancer, on this machine:   npm run cluster
//
// They share the folder .commitcast with `npm start`: its Postgres, its secret, and the commands beside it.
import { resolve, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { keepSecret, stateDirectory } from '../../dist/cli/folder.js';
import { signToken } from '../../dist/cli/sign-token.js';
import { stopOnSignal } from '../../dist/cli/stop-on-signal.js';
import { CommitcastError } from '../../dist/core/errors.js';
import { Releasers } from '../../dist/core/service.js';
import { demoOrgs } from '../../dist/demo/demo.js';
import { startEmbeddedPostgres } from '../../dist/embedded/embedded-postgres.js';
import { claimFolder } from '../../dist/embedded/folder-claim.js';
import { freePort, isFree } from '../../dist/embedded/free-port.js';
import { removeInstance, writeInstance } from '../../dist/embedded/instance-file.js';
import { keepRunning } from './keep-running.mjs';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const balancerFile = fileURLToPath(new URL('balancer.mjs', import.meta.url));
const host = '127.0.0.1';
/** Long enough to see that the other instance does alone. */
const restartMs = 5_000;

const tell = (line) => process.stdout.write(`${line}\n`);
const releasers = new Releasers();
const stop = stopOnSignal(releasers);
// A terminal that is closed.
process.once('SIGHUP', () => process.kill(process.pid, 'SIGTERM'));

try {
  await start();
} catch (error) {
  const { code = 'INTERNAL', message, stack } = error;
  process.stderr.write(`${code}: ${error instanceof CommitcastError ? message : stack}\n`);
  await stop();
  process.exit(1);
}

async function start() {
  const port = await choosePort(Number(process.env.PORT ?? 3_000));
  const claim = await claimFolder(stateDirectory);
  releasers.add(() => claim.release());
  const secret = await keepSecret();
  tell('Starting Postgres, two instances and a balancer…');
  const postgres = await startEmbeddedPostgres({ directory: stateDirectory });
  releasers.add(() => postgres.stop());

  const ports = [await freePort(), await freePort()];
  // The demo writes on both, so that the page lives whichever of them is killed.
  const instances = ports.map((own, index) =>
    keepOne(`instance ${index + 1}`, [main, 'serve', '--demo', '--demo-into-this-database'], {
      DATABASE_URL: postgres.url,
      JWT_SECRET: secret,
      HOST: host,
      PORT: String(own),
    }),
  );
  await Promise.all(instances.map((kept, index) => untilReady(kept, ports[index])));
  const balancer = keepOne('balancer', [balancerFile, String(port), ...ports.map(String)], {});
  await untilReady(balancer, port);

  const url = `http://${host}:${port}`;
  await writeInstance(stateDirectory, { url, databaseUrl: postgres.url });
  releasers.add(() => removeInstance(stateDirectory));
  tell(await whatToTry({ url, ports, pids: instances.map(({ pid }) => pid), secret }));
}

/** Only what they need: what is set for another Commitcast is not meant for these. */
function keepOne(name, args, settings) {
  const { PATH, HOME, LOG_LEVEL, REDIS_URL } = process.env;
  const given = Object.entries({ PATH, HOME, LOG_LEVEL, REDIS_URL }).filter(([, value]) => value);
  const kept = keepRunning({
    name,
    args,
    env: { ...Object.fromEntries(given), ...settings },
    pauseMs: restartMs,
    tell,
  });
  releasers.add(() => kept.stop());
  return kept;
}

async function choosePort(wanted) {
  if (wanted === 0) return freePort();
  if (!(await isFree(wanted)))
    throw new CommitcastError('PORT_IN_USE', `Port ${wanted} is taken; choose another with PORT`);
  return wanted;
}

async function untilReady(kept, port) {
  for (;;) {
    const answer = await fetch(`http://${host}:${port}/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    if (kept.restarts > 0) throw new CommitcastError('UNAVAILABLE', 'A process of the cluster did not start');
    await sleep(100);
  }
}

async function whatToTry({ url, ports, pids, secret }) {
  const org = demoOrgs[0].id;
  const token = await signToken(secret, {}, { org, ttl: '1d' });
  const command = `node ${relative(resolve(), main)}`;
  const instances = ports.map(
    (own, index) => `instance ${index + 1}   http://${host}:${own}   pid ${pids[index]}`,
  );
  return `
The cluster is live:  ${url}

${instances.join('\n')}
a token      ${token}
the stream   ${command} tail --url ${url} --token TOKEN --deep
an event     ${command} append --org ${org} --type hello --data '{"a": 1}'

Look at the page, then:  kill -9 ${pids[0]}
The page goes on through the other instance, with nothing missed or doubled. ${restartMs / 1_000} s later the first one is back.
Ctrl-C stops everything. The data stays in .commitcast.
`;
}
