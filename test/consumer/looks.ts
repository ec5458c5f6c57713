import type { Executor } from '../../src/db/executor.ts';
import { until } from '../support/until.ts';

/** Returns when the consumer's worker has looked so often at what operators want: the first look may have begun before. */
export async function looks(db: Executor, consumer: string, times = 2): Promise<void> {
  const lease = async () => {
    const { rows } = await db.query(
      'select min(expires_at)::text as at from commitcast.consumer_lease where name = $1',
      [consumer],
    );
    return (rows as { at: string }[])[0]?.at;
  };
  for (let look = 0; look < times; look += 1) {
    const seen = await lease();
    await until(async () => (await lease()) !== seen, { message: 'a look of the worker' });
  }
}
