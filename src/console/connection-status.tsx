import type { Connection } from './connection.ts';
import { useNow } from './now.ts';
import type { Shown } from './timeline.ts';
import { useObservable } from './use-observable.ts';
import type { SessionState } from './use-session.ts';

export const stateTitles: Readonly<Record<Shown, string>> = {
  connecting: 'Connecting',
  'catching-up': 'Catching up',
  live: 'Live',
  offline: 'Offline',
  denied: 'Denied',
};

export const stateTones: Readonly<Record<Shown, string | undefined>> = {
  connecting: undefined,
  'catching-up': 'accent',
  live: 'good',
  offline: 'bad',
  denied: 'bad',
};

/** How the connection is, and why. Only the state is read aloud, not the seconds. */
export function ConnectionStatus({ connection }: { connection: Connection }) {
  const { shown, reason, offlineSince } = useObservable(connection.status.view);
  const now = useNow(1_000);
  const seconds =
    offlineSince === undefined ? undefined : Math.max(0, Math.floor((now - offlineSince) / 1_000));
  return (
    <span
      className="pill state"
      data-testid="connection-state"
      data-state={shown}
      data-tone={stateTones[shown]}
      title={reason === '' ? undefined : reason}
    >
      <span role="status">{stateTitles[shown]}</span>
      {seconds !== undefined && (
        <span className="numeric" aria-hidden="true">
          {seconds} s
        </span>
      )}
    </span>
  );
}

/** Before there is a connection. */
export function StagePill({ stage }: { stage: SessionState['stage'] }) {
  const isAway = stage === 'away';
  return (
    <span
      className="pill state"
      data-testid="connection-state"
      data-state={isAway ? 'offline' : stage}
      data-tone={isAway ? 'bad' : undefined}
      role="status"
    >
      {isAway ? 'Offline' : stage === 'signed-out' ? 'Not signed in' : 'Connecting'}
    </span>
  );
}
