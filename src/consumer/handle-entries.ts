import type { CommitcastEvent } from '../core/event.ts';
import { erasedType } from '../log/control-event.ts';
import type { LogEntry } from '../log/log-entry.ts';
import type { ResolvedOptions } from './options.ts';
import { laneBefore } from './parked.ts';

export interface EntriesWork<Tx> {
  options: ResolvedOptions<Tx>;
  lanes: ReadonlySet<string>;
  signal: AbortSignal;
}

/**
 * Hands entries to the handler in their order; an erasure at its place. Returns the events that must wait because one
 * before them in their lane is parked.
 */
export async function handleEntries<Tx>(
  tx: Tx,
  entries: readonly LogEntry[],
  { options, lanes, signal }: EntriesWork<Tx>,
): Promise<{ event: CommitcastEvent; lane: string }[]> {
  const { handler, onErase } = options;
  const behind: { event: CommitcastEvent; lane: string }[] = [];
  let free: CommitcastEvent[] = [];
  const hand = async () => {
    if (free.length > 0) await handler(tx, free, { signal });
    free = [];
  };
  for (const { event, control } of entries) {
    if (control) {
      if (control.type !== erasedType || !onErase) continue;
      await hand();
      const { org, stream } = control;
      await onErase(tx, stream === undefined ? { org } : { org, stream });
      continue;
    }
    const lane = laneBefore(event, lanes);
    if (lane !== undefined) behind.push({ event, lane });
    else free.push(event);
  }
  await hand();
  return behind;
}
