import { Client } from 'pg';
import { sleep } from '../../src/core/sleep.ts';
import type { Random } from '../support/random.ts';
import { until } from '../support/until.ts';
import type { ChaosClient } from './client.ts';
import { unharmed, type FaultKind, type World } from './faults.ts';
import { insertEvents } from './load.ts';

/** Told to every instance: what it sends to the others is lost, doubled, overtaken, and joined by forgeries. */
const doorbells: FaultKind = {
  name: 'disturbed doorbells',
  goalMs: 3_000,
  inject(world, random) {
    const drop = 0.1 + 0.4 * random.fraction();
    const shares = { drop, repeat: 0.2, reorder: 0.2, forge: 0.3 };
    const ms = 3_000 + random.below(5_000);
    const since = performance.now();
    for (const instance of world.instances) instance.disturb(shares);
    return Promise.resolve({
      since,
      watch: unharmed(world),
      note: `${Math.round(drop * 100)} % lost, for ${ms} ms`,
      async heal() {
        await sleep(since + ms - performance.now(), world.signal);
        for (const instance of world.instances)
          instance.disturb({ drop: 0, repeat: 0, reorder: 0, forge: 0 });
        return undefined;
      },
    });
  },
};

/** More than the kernel's buffers and the instance's limit for one client. */
const flood = { events: 30, bytes: 200_000 };
const floodWriter = 3_000;
let floods = 0;

const slowClients: FaultKind = {
  name: 'slow clients',
  goalMs: 2_000,
  async inject(world, random) {
    const clients = holdSome(world, random, 3, ({ canPause }) => canPause);
    const [first] = clients;
    if (!first) return undefined;
    const ms = 2_000 + random.below(4_000);
    const since = performance.now();
    const paused = Promise.all(clients.map((client) => client.pause(ms, world.signal)));
    await sendFlood(world, random, first.org);
    return {
      since,
      watch: unharmed(world),
      note: `${clients.length} for ${ms} ms, ${(flood.events * flood.bytes) / 1e6} MB`,
      async heal() {
        await paused;
        for (const client of clients) world.crowd.letGo(client);
        return undefined;
      },
    };
  },
};

async function sendFlood(world: World, random: Random, org: string): Promise<void> {
  const client = new Client({ connectionString: world.postgres.url, application_name: 'chaos-flood' });
  client.on('error', () => undefined);
  const about = { transaction: random.uuid(), writer: floodWriter, sequence: ++floods, org };
  try {
    await client.connect();
    await insertEvents(
      client,
      Array.from({ length: flood.events }, (_, turn) => ({
        ...about,
        turn,
        id: random.uuid(),
        type: 'large',
        ballast: flood.bytes,
      })),
    );
  } catch {
    // Another fault was faster: the business rows say whether it was committed.
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Clients of one org. */
function holdSome(
  world: World,
  random: Random,
  count: number,
  suits: (client: ChaosClient) => boolean,
): ChaosClient[] {
  const clients: ChaosClient[] = [];
  for (let n = 0; n < count; n++) {
    const org = clients[0]?.org;
    const client = world.crowd.hold(random, (each) => suits(each) && (org === undefined || each.org === org));
    if (client) clients.push(client);
  }
  return clients;
}

/** A user loses the org: told, closed, and refused by every instance from then on. */
const revocation: FaultKind = {
  name: 'revocation',
  goalMs: 1_000,
  async inject(world, random) {
    const client = world.crowd.hold(random, () => true);
    if (!client) return undefined;
    client.revoked = true;
    const since = performance.now();
    try {
      await world.postgres.query('select commitcast.revoke($1, $2, null, null)', [client.org, client.name]);
    } catch {
      // The connection was lost to another fault; the table says whether it was committed.
    }
    client.revoked = await until(() => isRevoked(world, client).then((revoked) => ({ revoked })), {
      message: 'Postgres to say who is revoked',
    }).then(({ revoked }) => revoked);
    if (!client.revoked) {
      world.crowd.letGo(client);
      return undefined;
    }
    return {
      since,
      watch: unharmed(world),
      note: client.name,
      async heal() {
        for (const { url } of unharmed(world)) await client.refusedBy(url);
        world.crowd.letGo(client);
        return undefined;
      },
    };
  },
};

async function isRevoked({ postgres }: World, { org, name }: ChaosClient): Promise<boolean> {
  const rows = await postgres.query('select from commitcast.revocation where org_id = $1 and user_id = $2', [
    org,
    name,
  ]);
  return rows.length > 0;
}

export const trafficFaults: readonly FaultKind[] = [doorbells, slowClients, revocation];
