import { saveRelayState } from '../../../src/log/relay-state.ts';
import type { SeenEvent } from '../../support/history-checker.ts';
import { Observer } from '../../support/observers.ts';
import { queryOnce } from '../../support/postgres-node.ts';
import type { TestServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';
import type { Disaster } from './disasters.ts';
import {
  connectObservers,
  epochOf,
  expectComplete,
  readLog,
  startInstance,
  untilLeft,
  untilSeen,
  write,
} from './world.ts';

export interface Play {
  /** Events that are delivered, and that the new history does not have. */
  lost: number;
  /** Events that are in the new history before any instance may reach it. */
  written: number;
  /** Default: `true`. */
  relay?: boolean;
}

/** Who was where; all have what the log of the new history has, or `playDisaster` has failed. */
export interface Played {
  instances: readonly TestServer[];
  /** Live all the while. */
  live: readonly Observer[];
  /** Came back during the outage, with what instances have in memory, and was live when the new history came. */
  back: Observer;
  /** Left before anything that is lost, came back when all was over. */
  away: Observer;
  /** Left after the last event that is lost, came back when all was over. */
  gone: Observer;
  /** Came in the outage with a cursor that no memory reaches back to: it was catching up when the new history came. */
  late: Observer;
  /** Last position that both histories have. */
  end: number;
  oldEpoch: string;
  newEpoch: string;
  lostPositions: readonly number[];
  /** Ids of the events that vanished. */
  lostIds: ReadonlySet<string>;
  log: readonly SeenEvent[];
}

export async function playDisaster(
  disaster: Disaster,
  { lost, written, relay = true }: Play,
): Promise<Played> {
  // Where the instances begin: what came before is more than their memory holds.
  const early = await write(disaster.writerUrl, 20, 20_000);
  await saveRelayState(
    { query: async (text, values) => ({ rows: await queryOnce(disaster.writerUrl, text, values) }) },
    { leader: 'before', published: early.length },
  );
  const instances = [
    await startInstance(disaster.url, { relay }),
    await startInstance(disaster.url, { relay }),
  ] as const;
  const [x, y] = instances;
  const live = await connectObservers(instances);
  const away = await new Observer('away', 'acme', [{ deep: true }]).connect(x.url);
  const gone = await new Observer('gone', 'acme', [{ deep: true }]).connect(y.url);
  const back = await new Observer('back', 'acme', [{ deep: true }]).connect(x.url);
  const late = new Observer('late', 'acme', [{ deep: true }]);
  const oldEpoch = epochOf(x.app.commitcast.cursor());
  late.cursor = `${oldEpoch}-0`;

  const kept = await write(disaster.url, 40);
  await untilSeen([...live, away, gone, back], kept);
  away.leave();
  await disaster.keep();
  const end = (await readLog(disaster.writerUrl)).at(-1)?.position ?? 0;
  const vanished = await until(() => write(disaster.url, lost), { message: 'the events that will be lost' });
  await untilSeen([...live, gone, back], vanished);
  const lostPositions = vanished.length > 0 ? positionsOf(live, vanished) : [];
  const lostIds = new Set(vanished.map(({ id }) => id));
  gone.leave();
  back.leave();

  await disaster.strike();
  await back.connect(y.url);
  const comesLate = late.connect(y.url);
  await until(() => late.connected);
  await write(disaster.writerUrl, written);
  await disaster.recover();
  const newEpoch = await untilLeft(oldEpoch, instances);
  await comesLate;
  await Promise.all([away.connect(y.url), gone.connect(x.url)]);
  await expectComplete(disaster.writerUrl, [...live, back, away, gone, late]);
  const log = await readLog(disaster.writerUrl);
  return { instances, live, back, away, gone, late, end, oldEpoch, newEpoch, lostPositions, lostIds, log };
}

function positionsOf(observers: readonly Observer[], events: readonly { id: string }[]): number[] {
  const ids = new Set(events.map(({ id }) => id));
  const seen = observers.flatMap((observer) => observer.events).filter(({ id }) => ids.has(id));
  return [...new Set(seen.map(({ position }) => position))];
}
