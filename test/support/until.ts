import { inspect } from 'node:util';
import { sleep } from '../../src/core/sleep.ts';

export interface UntilOptions {
  timeoutMs?: number;
  /** What is waited for, for the error. */
  message?: string;
}

/**
 * Polls every few milliseconds until the condition is truthy and returns its value. A condition that throws counts as
 * not yet met. The error after `timeoutMs` says what was last seen.
 */
export async function until<Value>(
  condition: () => Value | Promise<Value>,
  { timeoutMs = 30_000, message = 'the condition' }: UntilOptions = {},
): Promise<Exclude<Awaited<Value>, null | undefined | false | 0 | ''>> {
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  let seen = 'nothing';
  for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 1.5, 50)) {
    try {
      const value = await condition();
      if (value) return value as Exclude<Awaited<Value>, null | undefined | false | 0 | ''>;
      cause = undefined;
      seen = inspect(value, { depth: 4 });
    } catch (error) {
      cause = error;
      seen = String(error);
    }
    if (performance.now() > deadline) {
      throw new Error(`Waited ${timeoutMs} ms for ${message}; last seen: ${seen}`, { cause });
    }
    await sleep(pauseMs);
  }
}

interface Emitter {
  on(event: string, listener: (...values: unknown[]) => void): unknown;
  off(event: string, listener: (...values: unknown[]) => void): unknown;
}

/** The arguments of the next such event: of a Node emitter, a Socket.IO socket of either side, or anything with `on` and `off`. */
export function once<Values extends unknown[] = unknown[]>(
  emitter: object,
  event: string,
  { timeoutMs = 30_000 }: { timeoutMs?: number } = {},
): Promise<Values> {
  // Typed emitters narrow `on` to their own names: the wide shape is taken here, once, for all of them.
  const source = emitter as Emitter;
  return new Promise((resolve, reject) => {
    const finish = () => {
      clearTimeout(timer);
      source.off(event, listener);
    };
    const listener = (...values: unknown[]) => {
      finish();
      resolve(values as Values);
    };
    const timer = setTimeout(() => {
      finish();
      reject(new Error(`Waited ${timeoutMs} ms for the event '${event}'`));
    }, timeoutMs);
    source.on(event, listener);
  });
}
