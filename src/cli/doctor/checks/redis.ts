import type { Settings } from '../../../config/settings.ts';
import { inTime } from '../../../core/sleep.ts';
import { RedisConnection } from '../../../fanout/redis-connection.ts';
import { chooseAdapter } from '../../adapter-choice.ts';
import { found, type Finding } from '../finding.ts';

const patienceMs = 3_000;

/** Whether the Redis that an instance would use lets us in, and answers. Never rejects. */
export async function checkRedis(settings: Pick<Settings, 'adapter' | 'redisUrl'>): Promise<Finding[]> {
  const { redisUrl } = chooseAdapter(settings, { embedded: false });
  if (redisUrl === undefined) return [];
  let connection: RedisConnection | undefined;
  try {
    // Loaded here, so that those who do without Redis pay nothing.
    const { createClient } = await import('@redis/client');
    connection = new RedisConnection(createClient, redisUrl);
    await inTime(connection.open(), patienceMs);
    return [];
  } catch (error) {
    // Its address may hold a password; what it or the network says does not.
    const { host } = new URL(redisUrl);
    return [
      found(
        'REDIS_UNREACHABLE',
        `${host}: ${(error as Error).message || 'no answer'}.`,
        'See REDIS_URL (a password is part of it, rediss:// for TLS), and whether this machine may connect. Without it instances look at the log by themselves, some seconds later, and ephemeral messages are lost.',
      ),
    ];
  } finally {
    connection?.close();
  }
}
