import { sleep } from '../../core/sleep.ts';
import type { StatusAnswer } from '../../core/status.ts';

const everyMs = 2_000;
/** The server itself gives the database two seconds. */
const patienceMs = 6_000;

export type Asked =
  | { readonly kind: 'answer'; readonly status: StatusAnswer }
  /** This server does not tell whoever asks. */
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  | { readonly kind: 'away'; readonly reason: string };

/** Asks every two seconds while the page is visible, until it is refused or the signal aborts. */
export async function pollStatus(
  token: string | undefined,
  tell: (asked: Asked) => void,
  stopped: AbortSignal,
): Promise<void> {
  while (!stopped.aborted) {
    await untilVisible(stopped);
    const hidden = whenHidden(stopped);
    const signal = AbortSignal.any([stopped, hidden]);
    while (!signal.aborted) {
      const asked = await askStatus(token, signal);
      if (signal.aborted) break;
      tell(asked);
      if (asked.kind === 'refused') return;
      await sleep(everyMs, signal);
    }
  }
}

async function askStatus(token: string | undefined, signal: AbortSignal): Promise<Asked> {
  const patience = AbortSignal.timeout(patienceMs);
  try {
    const response = await fetch(new URL('v1/status', document.baseURI), {
      cache: 'no-store',
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.any([signal, patience]),
    });
    if (response.status === 401 || response.status === 403)
      return { kind: 'refused', ...(await errorOf(response)) };
    if (!response.ok) return { kind: 'away', reason: `it answers ${response.status}` };
    return { kind: 'answer', status: (await response.json()) as StatusAnswer };
  } catch {
    if (!navigator.onLine) return { kind: 'away', reason: 'this browser is offline' };
    return { kind: 'away', reason: patience.aborted ? 'it takes too long' : 'it cannot be reached' };
  }
}

async function errorOf(response: Response): Promise<{ code: string; message: string }> {
  const body = (await response.json().catch(() => undefined)) as
    { error?: { code?: string; message?: string } } | undefined;
  return { code: body?.error?.code ?? String(response.status), message: body?.error?.message ?? '' };
}

function untilVisible(stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (document.visibilityState === 'hidden' && !stopped.aborted) return;
      document.removeEventListener('visibilitychange', look);
      stopped.removeEventListener('abort', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look);
    stopped.addEventListener('abort', look);
    look();
  });
}

/** Aborts when the page is hidden; listens no longer than until then, or until `stopped`. */
function whenHidden(stopped: AbortSignal): AbortSignal {
  const hidden = new AbortController();
  document.addEventListener(
    'visibilitychange',
    () => {
      if (document.visibilityState === 'hidden') hidden.abort();
    },
    { signal: AbortSignal.any([stopped, hidden.signal]) },
  );
  return hidden.signal;
}
