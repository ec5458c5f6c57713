import type { FastifyInstance } from 'fastify';
import type { Settings } from '../config/settings.ts';
import type { AdapterName } from '../fanout/attach-adapter.ts';
import type { Mode } from './mode.ts';

export interface AdapterChoice {
  name: AdapterName;
  /** Set when, and only when, it is Redis. */
  redisUrl: string | undefined;
  reason: string;
}

/** How this instance reaches the others: as it is told, else by what is named. */
export function chooseAdapter(
  { adapter, redisUrl }: Pick<Settings, 'adapter' | 'redisUrl'>,
  { embedded }: Pick<Mode, 'embedded'>,
): AdapterChoice {
  const choice = (name: AdapterName, reason: string) => ({
    name,
    reason,
    redisUrl: name === 'redis' ? redisUrl : undefined,
  });
  if (adapter !== undefined) return choice(adapter, 'COMMITCAST_ADAPTER says so');
  if (redisUrl !== undefined) return choice('redis', 'a Redis is named');
  return embedded
    ? choice('memory', 'an embedded database has no other instance beside this one')
    : choice('postgres', 'other instances may share the database');
}

export function tellAdapter(app: FastifyInstance, { name, reason }: AdapterChoice, quiet: boolean): void {
  if (quiet) return;
  if (name === 'memory') app.log.warn({ adapter: name, reason }, 'other instances will not hear of this one');
  else app.log.info({ adapter: name, reason }, 'the adapter was chosen');
}
