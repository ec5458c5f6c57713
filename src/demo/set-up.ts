import type { FastifyInstance } from 'fastify';
import type { Service } from '../core/service.ts';
import { createPool } from '../db/connection.ts';
import type { IdentityOptions } from '../gateway/setup-socket-auth.ts';
import { Demo } from './demo.ts';
import { publishRoute } from './publish-route.ts';
import { projectUnits } from './units-projection.ts';
import { unitsRoute } from './units-route.ts';

export interface DemoServerOptions {
  connectionString: string;
  /** That of the plugin. */
  identity: IdentityOptions;
  /** Over all orgs, on average. Default: that of `Demo`. */
  eventsPerSecond?: number | undefined;
}

/** The writers, and the read model with its route, in a server that has the plugin. To be called before it listens. */
export function setUpDemo(
  app: FastifyInstance,
  { connectionString, identity, eventsPerSecond }: DemoServerOptions,
): Service {
  const db = createPool({
    connectionString,
    applicationName: 'commitcast-demo',
    max: 6,
    logger: app.log,
  });
  // Consumers end before that, as part of the plugin.
  app.addHook('onClose', () => db.end());
  unitsRoute(app, { db, identity });
  publishRoute(app, { db, identity });
  const demo = new Demo({ db, logger: app.log, ...(eventsPerSecond ? { eventsPerSecond } : {}) });
  return {
    async start() {
      await demo.start();
      projectUnits(app.commitcast.consume, db);
    },
    stop: () => demo.stop(),
  };
}
