import { z } from 'zod';
import { parseCursor } from '../core/cursor.ts';
import type { EventDefinitions } from '../core/define-events.ts';
import { CommitcastError } from '../core/errors.ts';
import type { CommitcastEvent } from '../core/event.ts';
import { isIdentifier } from '../core/identifier.ts';
import { parseSubscription, type Subscription } from '../core/subscription.ts';
import type { Database } from './database.ts';

/** What a handler is told beside the events. */
export interface HandlerContext {
  /** Aborts when the consumer stops: a handler that takes long should end, by an error if need be. */
  readonly signal: AbortSignal;
}

/**
 * Handles events, in order. What it writes through `tx`, and the checkpoint, commit together: exactly once for what it
 * writes to this database. What it does elsewhere may be done again; see `once`.
 */
export type Handler<Tx, Event extends CommitcastEvent = CommitcastEvent> = (
  tx: Tx,
  events: Event[],
  context: HandlerContext,
) => Promise<unknown> | void;

/** What was erased: an org, or one stream of it. */
export interface Erased {
  org: string;
  stream?: string;
}

/** Options of a durable consumer. Unknown ones are refused. */
export interface ConsumeOptions<Tx> {
  /** Identifies the consumer, and its checkpoint, for ever: 1 to 128 characters of A-Z a-z 0-9 . _ ~ - */
  name: string;
  /**
   * Where it begins when it runs for the first time: at the oldest event kept (`start`), with what comes from now on
   * (`now`), or after a cursor. Default: `start`.
   */
  from?: 'start' | 'now' | (string & {}) | undefined;
  /** Only what this subscription of an org sees. Default: all orgs. */
  scope?: ({ org: string } & Subscription) | undefined;
  /** Only events of these types. Default: all. */
  types?: readonly string[] | undefined;
  /**
   * What `defineEvents` returns: checks each event, and gives the handler its data as the newest version has it. An event
   * that does not fit fails as if the handler had. Default: events as they were written.
   */
  events?: EventDefinitions | undefined;
  /**
   * Events that one transaction handles, at most: 1 to 5,000. What fails is rolled back together, and then tried one by
   * one. Default: 500, and up to 5,000 while there is more and that takes less than 0.1 s.
   */
  batch?: number | undefined;
  /**
   * Parts that are worked on side by side, over all instances: 1 to 64. The events of an org are always in the same
   * part, in order. It cannot be changed later. Default: 1.
   */
  partitions?: number | undefined;
  /**
   * What becomes of an event that fails `maxAttempts` times, alone: the partition stops there until somebody resumes it
   * (`stop`), or the event is parked with its error, and so is all that comes after it in the same org (`park-org`) or
   * the same stream (`park-stream`; events without a stream are one lane of their org). Default: `stop`.
   */
  onPoison?: 'stop' | 'park-org' | 'park-stream' | undefined;
  /** 1 to 100. A process that died while it handled the event counts. Default: 5. */
  maxAttempts?: number | undefined;
  /**
   * Milliseconds for which the handler's transaction may do nothing; then the server ends its connection, and others may
   * go on where a frozen process held their rows. Default: 60,000.
   */
  idleTimeoutMs?: number | undefined;
  /** Takes back everything that the handler has ever written: with it, the consumer can be rebuilt from the start. */
  reset?: ((tx: Tx) => unknown) | undefined;
  /** Called at the place in the order where data was erased: what the handler has derived from it should go, too. */
  onErase?: ((tx: Tx, erasure: Erased) => unknown) | undefined;
  /** Whose transactions the handler gets: a drizzle database, or a pool of `pg`. Default: a `pg` client of our own. */
  db?: Database<Tx> | undefined;
}

const callback = z.custom<(...values: never[]) => unknown>(
  (value) => typeof value === 'function',
  'must be a function',
);

const schema = z.strictObject({
  name: z.custom<string>(isIdentifier, 'has 1 to 128 characters of A-Z a-z 0-9 . _ ~ -'),
  from: z
    .string()
    .refine((text) => text === 'start' || text === 'now' || isCursor(text), 'is "start", "now", or a cursor')
    .default('start'),
  scope: z
    .custom<{ org: string } & Subscription>(
      isScope,
      'is { org }, with site, unit and deep as in a subscription',
    )
    .optional(),
  types: z.array(z.string().min(1)).min(1).readonly().optional(),
  events: z
    .custom<EventDefinitions>(
      (value) => typeof (value as EventDefinitions | null)?.parse === 'function',
      'is what defineEvents returns',
    )
    .optional(),
  batch: z.int().min(1).max(5_000).optional(),
  partitions: z.int().min(1).max(64).default(1),
  onPoison: z.enum(['stop', 'park-org', 'park-stream']).default('stop'),
  maxAttempts: z.int().min(1).max(100).default(5),
  idleTimeoutMs: z.int().min(1_000).default(60_000),
  reset: callback.optional(),
  onErase: callback.optional(),
  db: z.custom<object>((value) => typeof value === 'object' && value !== null).optional(),
});

/** Options with their defaults. */
export type ResolvedOptions<Tx> = Readonly<
  Omit<z.output<typeof schema>, 'reset' | 'onErase' | 'db' | 'events'> &
    Pick<ConsumeOptions<Tx>, 'reset' | 'onErase'> & { handler: Handler<Tx> }
>;

/** @throws {CommitcastError} `CONSUMER_INVALID` with every problem in one message */
export function resolveOptions<Tx>(options: ConsumeOptions<Tx>, handler: Handler<Tx>): ResolvedOptions<Tx> {
  const result = schema.safeParse(options);
  const problems = result.error?.issues.map(({ path, message }) =>
    path.length > 0 ? `${path.join('.')}: ${message}` : message,
  );
  if (typeof handler !== 'function') (problems ?? []).push('the handler must be a function');
  if (!result.success || typeof handler !== 'function')
    throw new CommitcastError(
      'CONSUMER_INVALID',
      (problems ?? ['the handler must be a function']).join('\n'),
    );
  const { reset, onErase } = options;
  const { events, ...resolved } = result.data;
  return Object.freeze({
    ...resolved,
    reset,
    onErase,
    handler: events ? parsed(events, handler) : handler,
  });
}

/** Parsed where the handler is at work: what cannot be parsed is to blame for it. */
function parsed<Tx>(events: EventDefinitions, handler: Handler<Tx>): Handler<Tx> {
  return (tx, page, context) =>
    handler(
      tx,
      page.map((event) => events.parse(event)),
      context,
    );
}

function isCursor(text: string): boolean {
  try {
    parseCursor(text);
    return true;
  } catch {
    return false;
  }
}

function isScope(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { org, ...subscription } = value as Record<string, unknown>;
  try {
    parseSubscription(subscription);
    return isIdentifier(org);
  } catch {
    return false;
  }
}
