import type { TestClient } from '../support/client.ts';

export type Answer = { ok: true; cursor: string } | { ok: false; error: { code: string; message: string } };

/** As a client without types would call it. */
export function ask(
  { socket }: TestClient,
  name: 'subscribe' | 'unsubscribe',
  ...values: unknown[]
): Promise<Answer> {
  return (
    socket.timeout(20_000) as unknown as {
      emitWithAck(event: string, ...args: unknown[]): Promise<Answer>;
    }
  ).emitWithAck(name, ...values);
}
