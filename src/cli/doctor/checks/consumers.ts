import { listConsumers, type ConsumerPartition } from '../../../consumer/list-consumers.ts';
import { formatInteger } from '../../table.ts';
import type { Check } from '../check.ts';
import { found, shown, type Finding } from '../finding.ts';

export const checkConsumers: Check = {
  name: 'consumers',
  needs: 'schema',
  look: async ({ db }) => (await listConsumers(db)).flatMap(judge),
};

function judge(each: ConsumerPartition): Finding[] {
  const { name, partition, partitions, position, lagPositions } = each;
  const which = partitions > 1 ? `${shown(name)}, partition ${partition + 1} of ${partitions},` : shown(name);
  const findings: Finding[] = [];
  if (each.failed)
    findings.push(
      found(
        'CONSUMER_FAILED',
        `${which} stands still after position ${formatInteger(position)}: ${each.attempts} attempts at the next event have failed.`,
        `Mend the handler, then: commitcast consumers resume ${name}. What it said: commitcast consumers list --json.`,
      ),
    );
  else if (!each.alive && !each.paused)
    findings.push(
      found(
        'CONSUMER_WITHOUT_WORKER',
        `${which} is ${formatInteger(lagPositions)} positions behind, and nobody works on it.`,
        `Start the process that calls consume({ name: ${shown(name)} }); or, when it is not needed any more: commitcast consumers remove ${name}.`,
      ),
    );
  if (each.parked > 0)
    findings.push(
      found(
        'EVENTS_PARKED',
        `${which} has put ${formatInteger(each.parked)} events aside.`,
        `See them: commitcast consumers parked ${name}. Then retry or drop them: commitcast consumers retry ${name} --all.`,
      ),
    );
  return findings;
}
