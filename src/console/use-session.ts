import { useCallback, useEffect, useRef, useState } from 'react';
import { fetchSession, keepToken, orgOfToken, pastedToken, type Org, type Session } from './session.ts';

const chosenKey = 'commitcast:org';
const firstPauseMs = 500;
const maxPauseMs = 5_000;

export interface SessionState {
  /** `away`: the server does not answer, and is asked again. */
  readonly stage: 'loading' | 'away' | 'signed-out' | 'open';
  readonly demo: boolean;
  readonly orgs: readonly Org[];
  /** Whose events are shown. */
  readonly org: Org | undefined;
  /** Whether somebody has pasted the token: then there is no other one to be had. */
  readonly isPasted: boolean;
  readonly choose: (id: string) => void;
  /** A new token for the org. */
  readonly renew: () => Promise<string>;
  readonly signIn: (token: string) => void;
  readonly signOut: () => void;
}

/** Who looks: the demo's orgs, if the server offers them, or the one of a pasted token. */
export function useSession(): SessionState {
  const [session, setSession] = useState<Session>();
  const [away, setAway] = useState(false);
  const [chosen, setChosen] = useState(() => sessionStorage.getItem(chosenKey));
  const [token, setToken] = useState(pastedToken);
  useEffect(() => {
    const stopped = new AbortController();
    void load(stopped.signal, () => setAway(true)).then((loaded) => {
      if (!loaded) return;
      setAway(false);
      setSession(loaded);
    });
    return () => stopped.abort();
  }, []);

  const offered = session?.orgs ?? [];
  const isPasted = session !== undefined && offered.length === 0 && token !== null;
  const org = isPasted ? orgOfToken(token) : (offered.find(({ id }) => id === chosen) ?? offered[0]);
  const id = useRef(org?.id);
  id.current = org?.id;
  const renew = useCallback(async () => {
    const renewed = await fetchSession();
    setSession(renewed);
    return renewed.orgs.find((each) => each.id === id.current)?.token ?? '';
  }, []);
  const signIn = (pasted: string | null) => {
    keepToken(pasted);
    setToken(pasted);
  };
  return {
    stage: session ? (org ? 'open' : 'signed-out') : away ? 'away' : 'loading',
    demo: session?.demo ?? false,
    orgs: offered,
    org,
    isPasted,
    choose(next) {
      sessionStorage.setItem(chosenKey, next);
      setChosen(next);
    },
    renew,
    signIn,
    signOut: () => signIn(null),
  };
}

async function load(signal: AbortSignal, onAway: () => void): Promise<Session | undefined> {
  for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
    try {
      const session = await fetchSession();
      return signal.aborted ? undefined : session;
    } catch {
      if (!signal.aborted) onAway();
    }
    await new Promise((resolve) => {
      setTimeout(resolve, pauseMs);
    });
  }
  return undefined;
}
