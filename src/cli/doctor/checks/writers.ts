import { readStatus } from '../../../log/read-status.ts';
import { durationText } from '../../table.ts';
import type { Check } from '../check.ts';
import { found, shown } from '../finding.ts';

const longMs = 60_000;

export const checkWriters: Check = {
  name: 'writers',
  needs: 'schema',
  async look({ db }) {
    const { oldestWriter } = await readStatus(db);
    if (!oldestWriter || (oldestWriter.ageMs ?? 0) < longMs) return [];
    const { pid, applicationName, ageMs } = oldestWriter;
    return [
      found(
        'WRITER_OPEN',
        `pid ${pid} (${shown(applicationName)}) has been in its transaction for ${durationText((ageMs ?? 0) / 1_000)}.`,
        `Its events come when it commits, and the rows of the outbox stay until then; others are not held up. If it was forgotten: select pg_terminate_backend(${pid}).`,
      ),
    ];
  },
};
