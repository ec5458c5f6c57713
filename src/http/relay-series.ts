import type { Committer } from '../log/read-committing.ts';
import type { RelayCounts } from '../relay/relay-counts.ts';
import type { Instance } from './instance.ts';
import type { MetricsRegistry, NumberName } from './metrics-registry.ts';

/** Applications name themselves as they like, and a series is for ever. */
const maxNameLength = 64;

/** What the relay of an instance has done, and how the instance reaches the others. */
export function relaySeries(registry: MetricsRegistry, instance: Instance): void {
  const status = () => instance.relay?.status;
  const counter = (name: NumberName, read: (counts: RelayCounts) => number) => {
    registry.number(name, () => instance.relay && read(instance.relay.counts));
  };

  registry.number('commitcast_relay_leading', () => Number(status()?.leading ?? false));
  registry.numbers('commitcast_relay_terms_total', function* () {
    if (!instance.relay) return;
    const { elections, standIns } = instance.relay.counts;
    yield [{ by: 'election' }, elections];
    yield [{ by: 'standstill' }, standIns];
  });
  counter('commitcast_relay_reads_total', ({ reads }) => reads);
  counter('commitcast_relay_sleeps_total', ({ sleeps }) => sleeps);
  counter('commitcast_relay_notifications_total', ({ notifications }) => notifications);
  registry.distributions('commitcast_relay_batch_positions', function* () {
    if (instance.relay) yield [{}, instance.relay.counts.batches];
  });
  registry.distributions('commitcast_settled_wait_seconds', function* () {
    if (!instance.relay) return;
    const { brief, held } = instance.relay.counts.waits;
    yield [{ cause: 'commit' }, brief];
    yield [{ cause: 'transaction' }, held];
  });
  // One that leads no more may have stopped in the middle of a wait.
  counter('commitcast_settled_waiting_seconds', ({ waits }) => (status()?.leading ? waits.seconds : 0));
  registry.numbers('commitcast_settled_waiting_transactions', () =>
    byApplication(status()?.waitingFor ?? []),
  );

  const doorbells = () => instance.adapter?.doorbells.report;
  registry.numbers('commitcast_adapter_up', function* () {
    const { adapter } = instance;
    if (adapter) yield [{ adapter: adapter.name }, Number(adapter.state === 'ok')];
  });
  registry.numbers('commitcast_doorbells_total', function* () {
    const report = doorbells();
    if (!report) return;
    yield [{ direction: 'rung' }, report.rung];
    yield [{ direction: 'heard' }, report.heard];
  });
  registry.number('commitcast_doorbell_gaps_total', () => doorbells()?.gaps);
  registry.number('commitcast_backfilled_positions_total', () => doorbells()?.missed);
}

function byApplication(
  committers: readonly Committer[],
): Iterable<readonly [{ application: string }, number]> {
  const counts = new Map<string, number>();
  for (const { applicationName } of committers) {
    const name = applicationName.slice(0, maxNameLength);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Array.from(counts, ([application, count]) => [{ application }, count] as const);
}
