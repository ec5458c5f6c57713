import type { Place } from '../scope.ts';

/** Where the demo takes events. */
const path = 'demo/events';

export interface NewEventForm extends Place {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
}

/**
 * Commits an event by the demo's route; it comes back by the stream like anybody's.
 *
 * @throws with the server's code and words
 */
export async function publish(token: string, event: NewEventForm): Promise<void> {
  const response = await fetch(new URL(path, document.baseURI), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(event),
  });
  if (response.ok) return;
  const answer = (await response.json().catch(() => ({}))) as { error?: { code: string; message: string } };
  throw new Error(
    answer.error ? `${answer.error.code}: ${answer.error.message}` : `The server answers ${response.status}`,
  );
}

/** What is wrong with a text that is to be JSON; `undefined`: nothing. */
export function problemOf(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
