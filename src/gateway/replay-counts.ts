import type { ResetReason } from '../core/protocol.ts';
import type { ReplayReport } from '../core/status.ts';

type Source = 'memory' | 'log';

/** What catch-ups have cost, for those who operate: replays from the log are queries of the database. */
export class ReplayCounts {
  readonly #counts: ReplayReport = {
    memory: { pages: 0, events: 0, sessions: 0 },
    log: { pages: 0, events: 0, sessions: 0 },
    resets: { expired: 0, epoch: 0, unknown: 0 },
  };

  get report(): ReplayReport {
    return structuredClone(this.#counts);
  }

  /** Counts the pages of one catch-up. */
  catchUp(): (source: Source, events: number) => void {
    const seen = new Set<Source>();
    return (source, events) => {
      const counts = this.#counts[source];
      counts.pages += 1;
      counts.events += events;
      if (!seen.has(source)) counts.sessions += 1;
      seen.add(source);
    };
  }

  reset(reason: ResetReason): void {
    this.#counts.resets[reason] += 1;
  }
}

const countsOf = new WeakMap<object, ReplayCounts>();

/** The counts of an instance: it has one dispatcher, to which all that catches up is brought. */
export function replayCountsOf(dispatcher: object): ReplayCounts {
  const counts = countsOf.get(dispatcher) ?? new ReplayCounts();
  countsOf.set(dispatcher, counts);
  return counts;
}
