import { readPartitions } from '../../../log/partitions.ts';
import { readPublication } from '../../../log/read-publication.ts';
import { formatInteger } from '../../table.ts';
import type { Check } from '../check.ts';
import { found } from '../finding.ts';

/** One partition of the smallest size. The leader lets no less than one and a half of them lie ahead. */
const fewPositions = 131_072;

export const checkPartitions: Check = {
  name: 'partitions',
  needs: 'schema',
  async look({ db }) {
    const { last, floor } = await readPublication(db);
    const head = Math.max(last, floor - 1);
    const partitions = await readPartitions(db);
    const end = Math.max(...partitions.map(({ to }) => to));
    const remedy =
      'As the owner, or as a role of an instance: select commitcast.make_partitions(). The leader makes them ahead: its log says why it could not.';
    if (!partitions.some(({ from, to }) => from <= head + 1 && head + 1 < to))
      return [
        found('PARTITIONS_EXHAUSTED', `No partition takes position ${formatInteger(head + 1)}.`, remedy),
      ];
    if (end - (head + 1) > fewPositions) return [];
    return [
      found(
        'PARTITIONS_FEW',
        `The log is at ${formatInteger(head)}, and its partitions end at ${formatInteger(end)}.`,
        remedy,
      ),
    ];
  },
};
