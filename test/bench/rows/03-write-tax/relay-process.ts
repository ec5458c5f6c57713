/* A relay that has nobody to tell. */
import { silentLogger } from '../../../../src/core/logger.ts';
import { Relay } from '../../../../src/relay/relay.ts';
import { until } from '../../../support/until.ts';
import { answer } from '../../support/answer.ts';

let relay: Relay;
let settled = 0;

answer({
  start: async (connectionString: string) => {
    relay = new Relay({
      connectionString,
      instanceId: 'bench',
      onDoorbell: ({ to }) => {
        settled = to;
      },
      logger: silentLogger,
    });
    await relay.start();
    await until(() => relay.status.leading, { message: 'the lead' });
    process.once('SIGTERM', () => {
      void relay.stop().then(() => process.exit());
    });
  },
  /** Returns when this position has been told. */
  settled: async (position: number) => {
    await until(() => settled >= position, { message: `doorbells up to ${position}` });
  },
});
