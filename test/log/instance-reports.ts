import { randomUUID } from 'node:crypto';
import type { InstanceReport } from '../../src/core/status.ts';
import type { InstanceName } from '../../src/log/report-instance.ts';

export const named = (): InstanceName => ({
  id: randomUUID(),
  kind: 'relay',
  host: 'here',
  pid: 1,
  version: '1.0.0',
});

/** More than an instance says with 20 rooms, slow sessions and problems. */
export const largeReport = (n = 0): InstanceReport => ({
  node: '20.0.0',
  rssBytes: n,
  adapter: null,
  relay: null,
  gateway: null,
  errors: {
    warnings: n,
    errors: 0,
    recent: Array.from({ length: 60 }, (_, index) => ({
      agoMs: n * 1_000 + index,
      level: 'warn',
      message: `the dispatcher could not read the log; it tries again ${randomUUID()}`,
      code: 'ECONNREFUSED',
    })),
  },
});
