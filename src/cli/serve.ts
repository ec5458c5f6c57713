import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { readEnvironment } from '../config/environment.ts';
import { limitsOf } from '../config/limits.ts';
import type { Settings } from '../config/settings.ts';
import { CommitcastError } from '../core/errors.ts';
import { Releasers } from '../core/service.ts';
import { demoOrgs } from '../demo/demo.ts';
import { setUpDemo } from '../demo/set-up.ts';
import { unitsPath } from '../demo/units-route.ts';
import { startEmbeddedPostgres } from '../embedded/embedded-postgres.ts';
import { claimFolder } from '../embedded/folder-claim.ts';
import { removeInstance, writeInstance } from '../embedded/instance-file.ts';
import { createServer } from '../http/server.ts';
import { chooseAdapter, tellAdapter } from './adapter-choice.ts';
import { banner } from './banner.ts';
import { parseOptions, type Command } from './command.ts';
import { keepSecret, stateDirectory } from './folder.ts';
import { decideMode, type Mode } from './mode.ts';
import { signToken } from './sign-token.ts';
import { startLogger } from './start-logger.ts';
import { stopOnSignal } from './stop-on-signal.ts';

export const serveCommand: Command = {
  name: 'serve',
  summary: 'Runs a server. With no DATABASE_URL it brings its own Postgres, in the folder .commitcast.',
  usage: [
    '--demo                      with a small cold-chain domain that writes by itself, and its page',
    '--demo-into-this-database   allows --demo together with DATABASE_URL',
  ],
  async run(args) {
    const flags = parseOptions(args, {
      demo: { type: 'boolean', default: false },
      'demo-into-this-database': { type: 'boolean', default: false },
    });
    const settings = readEnvironment(process.env);
    const mode = decideMode(
      settings,
      { demo: flags.demo, demoIntoThisDatabase: flags['demo-into-this-database'] },
      process.env['NODE_ENV'] === 'production',
    );
    const releasers = new Releasers();
    const stop = stopOnSignal(releasers);
    try {
      await serve(settings, mode, flags.demo, releasers);
    } catch (error) {
      await stop();
      throw error;
    }
  },
};

async function serve(settings: Settings, mode: Mode, demo: boolean, releasers: Releasers): Promise<void> {
  const quiet = mode.development || demo;
  const logLevel = quiet && !process.env['LOG_LEVEL'] ? 'warn' : settings.logLevel;
  const logger = startLogger(logLevel);

  const directory = stateDirectory;
  if (mode.embedded) {
    const claim = await claimFolder(directory);
    releasers.add(() => claim.release());
  }
  const jwtSecret = mode.ownKey ? await keepSecret() : settings.jwtSecret;
  let databaseUrl = settings.databaseDirectUrl ?? settings.databaseUrl;
  if (mode.embedded) {
    if (quiet) process.stdout.write('Starting the embedded Postgres…\n');
    const postgres = await startEmbeddedPostgres({ directory, logger });
    releasers.add(() => postgres.stop());
    databaseUrl = postgres.url;
  }
  if (databaseUrl === undefined) throw new CommitcastError('DATABASE_REQUIRED');

  const adapter = chooseAdapter(settings, mode);
  const jwt = {
    secret: jwtSecret,
    publicKey: settings.jwtPublicKey,
    jwksUrl: settings.jwtJwksUrl,
    issuer: settings.jwtIssuer,
    audience: settings.jwtAudience,
  };
  const app = await createServer({
    logLevel,
    plugin: {
      databaseUrl,
      jwt,
      adapter: adapter.name,
      redisUrl: adapter.redisUrl,
      relay: settings.relay,
      migrate: settings.migrate,
      retention: settings.retention,
      keyRetention: settings.keyRetention ?? 'forever',
      corsOrigin: settings.corsOrigin,
      limits: limitsOf(settings),
      proxyHops: settings.proxyHops,
      localOperator: settings.localOperator ?? (mode.development || demo),
    },
    demoOrgs: demo && jwtSecret !== undefined ? () => tokensOfDemo(settings, jwtSecret) : undefined,
  });
  releasers.add(() => app.close());
  warnOfOpenTokens(app, settings, quiet);
  tellAdapter(app, adapter, quiet);
  const demonstration = demo
    ? setUpDemo(app, { connectionString: databaseUrl, identity: { jwt } })
    : undefined;
  const url = await listen(app, mode.host, settings.port);

  if (mode.embedded) {
    await writeInstance(directory, { url, databaseUrl });
    releasers.add(() => removeInstance(directory));
  }
  if (demonstration) {
    releasers.add(() => demonstration.stop());
    await demonstration.start();
  }
  process.stdout.write(await banner({ url, databaseUrl, jwtSecret, mode, demo }));
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new CommitcastError('PORT_IN_USE', `Port ${port} of ${host} is taken by another process`, {
      cause: error,
    });
  }
  const address = app.server.address() as AddressInfo;
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${address.port}`;
}

function warnOfOpenTokens(app: FastifyInstance, { jwtIssuer, jwtAudience }: Settings, quiet: boolean): void {
  if (quiet) return;
  const unset = [jwtIssuer === undefined && 'JWT_ISSUER', jwtAudience === undefined && 'JWT_AUDIENCE'].filter(
    Boolean,
  );
  if (unset.length > 0) app.log.warn({ unset }, 'tokens that the key signed for others are taken too');
}

function tokensOfDemo(settings: Settings, secret: string) {
  return Promise.all(
    demoOrgs.map(async (org) => ({
      ...org,
      readModel: unitsPath,
      token: await signToken(secret, settings, { org: org.id, user: 'demo-viewer', ttl: '1h' }),
    })),
  );
}
