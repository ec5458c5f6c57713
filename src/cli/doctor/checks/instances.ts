import type { InstanceStatus } from '../../../core/status.ts';
import { readInstances } from '../../../log/read-instances.ts';
import { durationText } from '../../table.ts';
import type { Check } from '../check.ts';
import { found, shown, type Finding } from '../finding.ts';

/** Each reports every 2 s. */
const silentMs = 10_000;

/** What the instances say of themselves, and whether they can hear each other. */
export const checkInstances: Check = {
  name: 'instances',
  needs: 'schema',
  async look({ db }) {
    const all = await readInstances(db);
    const silent = all.filter(({ seenAgeMs }) => seenAgeMs > silentMs);
    const alive = all.filter(({ seenAgeMs }) => seenAgeMs <= silentMs);
    return [
      ...silent.map((instance) =>
        found(
          'INSTANCE_SILENT',
          `${nameOf(instance)} has said nothing for ${durationText(instance.seenAgeMs / 1_000)}.`,
          'If its process still runs, it hangs: see its log, and restart it. If it was killed, it is forgotten after a minute.',
        ),
      ),
      ...alive
        .filter(({ report }) => report.adapter?.state === 'unreachable')
        .map((instance) =>
          found(
            'ADAPTER_UNREACHABLE',
            `${nameOf(instance)} does not reach its adapter, ${shown(instance.report.adapter?.name ?? '')}.`,
            'Delivery goes on from the log, some seconds later, and ephemeral messages are lost. See whether Redis, or LISTEN on the database, can be had from there.',
          ),
        ),
      ...judgeAdapters(alive),
    ];
  },
};

function judgeAdapters(alive: readonly InstanceStatus[]): Finding[] {
  const named = alive.flatMap((instance) =>
    instance.report.adapter ? [{ instance, adapter: instance.report.adapter.name }] : [],
  );
  const adapters = new Set(named.map(({ adapter }) => adapter));
  if (named.length < 2 || (adapters.size === 1 && !adapters.has('memory'))) return [];
  return [
    found(
      'ADAPTERS_APART',
      `${named.map(({ instance, adapter }) => `${nameOf(instance)} uses ${adapter}`).join('; ')}.`,
      'Give all instances the same COMMITCAST_ADAPTER and the same Redis; `memory` is for one instance alone. Until then each looks at the log by itself, some seconds later, and ephemeral messages stay where they are.',
    ),
  ];
}

function nameOf({ kind, host, pid }: InstanceStatus): string {
  return `${kind} on ${host} (${pid})`;
}
