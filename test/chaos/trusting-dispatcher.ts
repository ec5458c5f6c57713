import { Pool } from 'pg';
import type { Doorbell } from '../../src/fanout/doorbell.ts';
import { Dispatcher } from '../../src/gateway/dispatcher.ts';

/**
 * Takes the continuity check out of this process: the dispatcher no longer reads on from its own position, but jumps to
 * where the doorbells that have come since its last read begin, as one would who takes the adapter for reliable. A
 * doorbell that was lost is then a hole. For the proof that the chaos run can see one.
 */
export function trustDoorbells(): void {
  let from = Infinity;
  wrap(Dispatcher.prototype, 'hint', (dispatcher, hint, [doorbell]) => {
    const { epoch, from: begin, to } = doorbell as Doorbell;
    if (epoch !== dispatcher.epoch) return hint(doorbell);
    if (to > dispatcher.position) from = Math.min(from, begin);
    // As if it came from this process's own relay.
    return dispatcher.ring(doorbell as Doorbell);
  });
  wrap(Pool.prototype, 'query', (pool, query, [statement, ...rest]) => {
    if (!isRangeRead(pool, statement)) return query(statement, ...rest);
    const [after, upTo, ...others] = statement.values;
    // It looks for nothing by itself.
    if (upTo === Number.MAX_SAFE_INTEGER)
      return query({ ...statement, values: [upTo, upTo, ...others] }, ...rest);
    const start = from < upTo ? Math.max(after, from) : after;
    from = Infinity;
    return query({ ...statement, values: [start, upTo, ...others] }, ...rest);
  });
}

type Method = (...args: unknown[]) => unknown;

/** Replaces a method of a class by one that gets the object, the method itself, and what it was called with. */
function wrap<Self extends object>(
  prototype: Self,
  name: keyof Self,
  replacement: (self: Self, method: Method, args: unknown[]) => unknown,
): void {
  const original = prototype[name] as Method;
  const replaced = function (this: Self, ...args: unknown[]): unknown {
    return replacement(this, (...own) => Reflect.apply(original, this, own), args);
  };
  Object.defineProperty(prototype, name, { value: replaced, configurable: true, writable: true });
}

interface RangeRead {
  text: string;
  values: [after: number, upTo: number, ...unknown[]];
}

/** The one statement by which a dispatcher reads events: `(after, upTo]`. */
function isRangeRead(pool: Pool, statement: unknown): statement is RangeRead {
  const { text, values } = statement as Partial<RangeRead>;
  return (
    (pool as Pool & { options: { application_name?: string } }).options.application_name ===
      'commitcast-dispatcher' &&
    typeof text === 'string' &&
    text.includes('position > $1 and position <= $2') &&
    text.includes('floor') &&
    Array.isArray(values)
  );
}
