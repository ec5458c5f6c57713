import './shell.css';
import { useCallback, useEffect, useRef, useState } from 'react';
import { CommitcastProvider } from '../client/react/index.ts';
import { Connection } from './connection.ts';
import { Credit } from './credit.tsx';
import { OperatorPage } from './operator/operator-page.tsx';
import { OrgPicker } from './org-picker.tsx';
import { useRoute } from './routes.ts';
import type { Org } from './session.ts';
import { Shell } from './shell.tsx';
import { SignIn } from './sign-in.tsx';
import { StreamPage } from './stream/stream-page.tsx';
import { UnitsPage } from './units/units-page.tsx';
import { useObservable } from './use-observable.ts';
import { useSession, type SessionState } from './use-session.ts';

export function App() {
  const session = useSession();
  const { org, stage, orgs, choose, demo, isPasted } = session;
  const route = useRoute();
  const connection = useConnectionTo(org, isPasted ? org?.token : session.renew);
  const isAtUnits = route === 'units' && org?.readModel !== undefined;
  const page =
    route === 'operator' ? (
      <OperatorPage token={org?.token} />
    ) : stage === 'loading' || stage === 'away' ? (
      <Starting isAway={stage === 'away'} />
    ) : !org || !connection ? (
      <SignIn onToken={session.signIn} />
    ) : isAtUnits ? (
      <UnitsPage key={org.id} org={org} />
    ) : (
      <Stream key={org.id} connection={connection} org={org} session={session} />
    );
  return (
    <Shell
      route={route === 'units' && !isAtUnits ? 'stream' : route}
      hasUnits={org?.readModel !== undefined}
      connection={connection}
      stage={stage}
      picker={
        orgs.length > 0 && org ? <OrgPicker orgs={orgs} chosen={org.id} onChoose={choose} /> : undefined
      }
      onSignOut={isPasted ? session.signOut : undefined}
      footer={demo ? <Credit /> : undefined}
    >
      {connection ? <CommitcastProvider client={connection.client}>{page}</CommitcastProvider> : page}
    </Shell>
  );
}

/** A pasted token that the server refuses has no successor but another paste. */
function Stream({ connection, org, session }: { connection: Connection; org: Org; session: SessionState }) {
  const { shown, reason } = useObservable(connection.status.view);
  if (shown === 'denied' && session.isPasted)
    return (
      <SignIn
        problem={reason}
        // The same one again is another attempt: rights may have come back.
        onToken={(token) => (token === org.token ? connection.client.connect() : session.signIn(token))}
      />
    );
  return <StreamPage connection={connection} org={org} demo={session.demo} />;
}

function Starting({ isAway }: { isAway: boolean }) {
  return (
    <div className="panel empty">
      <strong>{isAway ? 'The server does not answer' : 'Loading'}</strong>
      {isAway && <p>This page asks again until it does, and goes on where it was.</p>}
    </div>
  );
}

/** One connection for each org, and another one for another pasted token. */
function useConnectionTo(
  org: Org | undefined,
  token: string | (() => Promise<string>) | undefined,
): Connection | undefined {
  const [connection, setConnection] = useState<{ made: Connection; key: string }>();
  const latest = useRef({ org, token });
  latest.current = { org, token };
  const key = org && JSON.stringify([org.id, typeof token === 'string' ? token : null]);
  const isFirst = useRef(true);
  const first = useCallback(async () => {
    const current = latest.current;
    // The one that came with the session may do.
    if (isFirst.current && current.org) {
      isFirst.current = false;
      return current.org.token;
    }
    return typeof current.token === 'function' ? current.token() : (current.token ?? '');
  }, []);
  useEffect(() => {
    const current = latest.current;
    if (!current.org || key === undefined || current.token === undefined) return undefined;
    isFirst.current = true;
    const given = typeof current.token === 'string' ? current.token : first;
    const made = new Connection(current.org, given, sessionStorage);
    const save = () => made.ledger.save();
    addEventListener('pagehide', save);
    setConnection({ made, key });
    return () => {
      removeEventListener('pagehide', save);
      made.close();
    };
  }, [key, first]);
  return connection !== undefined && connection.key === key ? connection.made : undefined;
}
