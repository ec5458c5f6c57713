import type { Client } from 'pg';
import type { StatusAnswer } from '../../../src/core/status.ts';
import { until } from '../../support/until.ts';

/** What an instance says of itself: `GET /v1/status`, as anybody on its machine may ask. */
export async function statusOf(url: string): Promise<StatusAnswer> {
  const answer = await fetch(`${url}/v1/status`);
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}`);
  return (await answer.json()) as StatusAnswer;
}

/** Returns when the instance has dispatched everything up to the position. */
export async function dispatched(url: string, position: number): Promise<void> {
  const reached = async () => {
    const { gateway } = (await statusOf(url)).instances[0]?.report ?? {};
    return (gateway?.position ?? -1) >= position;
  };
  await until(reached, { timeoutMs: 120_000, message: `${url} to dispatch up to ${position}` });
}

/** The epoch in force; opened, if nobody has. */
export async function epochOf(db: Client): Promise<string> {
  const { rows } = await db.query<{ epoch: string }>('select commitcast.open_epoch() as epoch');
  return rows[0]?.epoch ?? '';
}
