import { eq } from 'drizzle-orm';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import { projectionCursor } from '../consumer/projection-cursor.ts';
import { parseCursor } from '../core/cursor.ts';
import { CommitcastError } from '../core/errors.ts';
import type { Identity } from '../gateway/identity.ts';
import { readMembership, readPrimaryMembership } from '../gateway/membership.ts';
import { Rights } from '../gateway/rights.ts';
import { createIdentityChecks, type IdentityOptions } from '../gateway/setup-socket-auth.ts';
import { answerErrors } from '../http/errors.ts';
import { identify as identifyRequest } from '../http/read-request.ts';
import { readEpochEnd } from '../log/epoch.ts';
import { readHead } from '../log/head.ts';
import { executorOf } from '../log/transaction.ts';
import { unitView } from './schema.ts';
import { transaction } from './transaction.ts';
import type { UnitView } from './unit-view.ts';
import { unitsProjection } from './units-projection.ts';

/** Where the read model is served. */
export const unitsPath = '/demo/units';

export interface UnitsAnswer {
  /** What the caller may see of its org. */
  units: UnitView[];
  /** Resume token: the units are the effect of exactly the events up to here. */
  cursor: string;
  /** The cursor's position: events up to it are in the units already. */
  position: number;
  /** How far the log was at that moment. */
  head: number;
  /** Whether the units have come to the cursor `after`; `true` without one. */
  reached: boolean;
}

type Query = Record<string, string | string[] | undefined>;

/** As `IdentityOptions` of the plugin beside it. */
export interface UnitsRouteOptions {
  db: Pool;
  identity: IdentityOptions;
}

/**
 * `GET /demo/units?after=<cursor>`: the read model of the units, and the cursor to follow on from. Who may see what is
 * as for `GET /v1/events`.
 */
export function unitsRoute(app: FastifyInstance, { db, identity: options }: UnitsRouteOptions): void {
  const rights = new Rights(
    createIdentityChecks({
      getUserPrimaryOrganization: (user) => readPrimaryMembership(db, user),
      getUserOrganization: (user, org) => readMembership(db, user, org),
      ...options,
    }),
  );
  const identify = async (request: FastifyRequest) => {
    await rights.load(db);
    return identifyRequest({ rights }, request);
  };
  const read = async (request: FastifyRequest): Promise<UnitsAnswer> => {
    const { after } = request.query as Query;
    const { organizationId } = await identify(request);
    const answer = await readUnits(db, organizationId, after);
    // Asked anew: what was taken away before the moment that was read is known by now.
    const identity = await identify(request);
    if (identity.organizationId !== organizationId) throw new CommitcastError('RIGHTS_CHANGED');
    return { ...answer, units: await visibleTo(rights, identity, answer.units) };
  };
  void app.register((scope, _options, ready) => {
    answerErrors(scope);
    scope.get(unitsPath, { logLevel: 'warn' }, async (request, reply) => {
      void reply.header('cache-control', 'no-store');
      return read(request);
    });
    ready();
  });
}

function readUnits(db: Pool, org: string, after: Query[string]): Promise<UnitsAnswer> {
  const wanted = after === undefined ? undefined : parseCursor(after);
  return transaction(
    db,
    async (tx) => {
      const executor = executorOf(tx);
      // The units are what a consumer has made of the events up to its checkpoint, so its checkpoint is their cursor.
      // The cursor of `snapshot()` is right for what the business transactions write themselves (`commitcast_demo.unit`);
      // here it would be ahead of the units, and the events between the two would never reach the page.
      const cursor = await projectionCursor(tx, unitsProjection, { org });
      const units = await tx.select().from(unitView).where(eq(unitView.orgId, org)).orderBy(unitView.id);
      const { epoch, position } = parseCursor(cursor);
      const { last } = await readHead(executor);
      const isOlder = wanted !== undefined && wanted.epoch !== epoch;
      const end = isOlder ? ((await readEpochEnd(executor, wanted.epoch)) ?? 0) : Infinity;
      const reached = position >= Math.min(wanted?.position ?? 0, end);
      return { units, cursor, position, head: Math.max(last, position), reached };
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}

async function visibleTo(rights: Rights, identity: Identity, units: UnitView[]): Promise<UnitView[]> {
  if (await rights.authorize(identity, { deep: true })) return units;
  const visible = await Promise.all(
    units.map(
      async ({ id, siteId }) =>
        (await rights.authorize(identity, { unit: id })) ||
        (siteId !== null && (await rights.authorize(identity, { site: siteId, deep: true }))),
    ),
  );
  return units.filter((_unit, index) => visible[index]);
}
