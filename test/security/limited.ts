import { signToken } from '../support/tokens.ts';

/** Uses up what a user may take at once, over plain HTTP: a `HEAD` of the stream is a handshake without a session. */
export async function handshakes(url: string, count: number, token?: string): Promise<number[]> {
  const authorization = `Bearer ${token ?? (await signToken())}`;
  const asked = Array.from({ length: count }, async () => {
    const answer = await fetch(`${url}/v1/events/stream`, { method: 'HEAD', headers: { authorization } });
    return answer.status;
  });
  return Promise.all(asked);
}

export interface Refused {
  status: number;
  retryAfter: string | null;
  error: { code: string; message: string; retryAfterMs: number };
}

/** A `GET` that is expected to be refused. */
export async function refusedAt(
  url: string,
  path: string,
  headers: Record<string, string>,
): Promise<Refused> {
  const response = await fetch(new URL(path, url), { headers });
  const { error } = (await response.json()) as Pick<Refused, 'error'>;
  return { status: response.status, retryAfter: response.headers.get('retry-after'), error };
}
