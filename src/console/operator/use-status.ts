import { useEffect, useState } from 'react';
import type { StatusAnswer } from '../../core/status.ts';
import { pollStatus, type Asked } from './ask-status.ts';
import { followHeld, type Held } from './held.ts';

/** The last answer. */
export interface Seen {
  readonly status: StatusAnswer;
  /** Milliseconds since 1970, by this browser. */
  readonly at: number;
  readonly held: readonly Held[];
}

export interface StatusState {
  readonly seen?: Seen;
  /** Why there was no answer this time. */
  readonly failure?: Exclude<Asked, { kind: 'answer' }>;
}

/** `attempt`: another one asks again with the same token. */
export function useStatus(token: string | undefined, attempt: number): StatusState {
  const [state, setState] = useState<StatusState>({});
  useEffect(() => {
    const stopped = new AbortController();
    const tell = (asked: Asked) => setState((before) => next(before, asked, Date.now()));
    void pollStatus(token, tell, stopped.signal);
    return () => stopped.abort();
  }, [token, attempt]);
  return state;
}

function next({ seen }: StatusState, asked: Asked, at: number): StatusState {
  if (asked.kind === 'answer')
    return {
      seen: {
        status: asked.status,
        at,
        held: followHeld(seen?.held ?? [], asked.status, at - (seen?.at ?? at)),
      },
    };
  // Who may not ask any more sees nothing of before.
  return asked.kind === 'away' && seen ? { seen, failure: asked } : { failure: asked };
}
