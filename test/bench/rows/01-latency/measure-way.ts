import type { Bench } from '../../harness/row.ts';
import { startSubscribers, type Received } from '../../support/subscribers.ts';
import { startWriter, type Load, type Writer, type Written } from '../../support/writer.ts';
import type { Child } from '../../support/child.ts';
import type { Way } from './ways.ts';

/** A way that runs: its processes are started, its clients are live. */
export interface RunningWay {
  readonly databaseUrl: string;
  readonly writer: Writer;
  readonly server: Child;
  /** Writes, and waits until all clients have it; `during` runs once all is committed and before that wait. */
  send(load: Load, during?: () => Promise<unknown>): Promise<{ written: Written; received: Received }>;
}

export interface WayOptions {
  clients: number;
  /** Written before anything counts: connections and code get warm. */
  warmUp: Load;
}

export async function runWay(bench: Bench, way: Way, options: WayOptions): Promise<RunningWay> {
  const databaseUrl = await bench.database('latency');
  const { url, process: server } = await way.start(bench, databaseUrl);
  const [writer, subscribers] = await Promise.all([
    startWriter(bench, way.withoutDatabase ? { url } : { databaseUrl }),
    startSubscribers(bench, { url, clients: options.clients, kind: way.clients }),
  ]);
  await subscribers.connect();
  const send: RunningWay['send'] = async (load, during) => {
    await subscribers.reset();
    const statement = way.statement === undefined ? {} : { statement: way.statement };
    const written = await writer.run({ ...load, ...statement });
    await during?.();
    return { written, received: await subscribers.result(written.sent) };
  };
  await send(options.warmUp);
  return { databaseUrl, writer, server, send };
}

/** For the peers, of which being right is not asked: what has to be known beside their figures. */
export function noteOn({ missed, doubled }: Received, { sent }: Written): { note?: string } {
  return missed + doubled === 0
    ? {}
    : { note: `of ${sent} events, ${missed} never came, ${doubled} came twice` };
}
