import type { SessionCounts, SlowSession } from '../core/status.ts';
import type { Session } from '../gateway/session.ts';
import { SocketOutlet } from '../gateway/socket-outlet.ts';

const maxSlow = 20;
const maxUserIdLength = 128;

/** Looks at the sessions from time to time, and so knows since when they are slow. */
export class SessionWatch {
  readonly #slowSince = new WeakMap<Session, number>();

  look(sessions: Iterable<Session>): { sessions: SessionCounts; slowSessions: SlowSession[] } {
    const counts = countSessions(sessions);
    const now = performance.now();
    const slow: { session: Session; since: number }[] = [];
    for (const session of sessions) {
      if (session.state !== 'slow') {
        this.#slowSince.delete(session);
        continue;
      }
      const since = this.#slowSince.get(session) ?? now;
      this.#slowSince.set(session, since);
      slow.push({ session, since });
    }
    slow.sort((a, b) => a.since - b.since);
    return {
      sessions: counts,
      slowSessions: slow.slice(0, maxSlow).map(({ session, since }) => ({
        id: session.outlet.id,
        org: session.identity.organizationId,
        userId: shownUserId(session.identity.userId),
        unsentBytes: session.outlet.unsentBytes(),
        slowMs: Math.round(now - since),
      })),
    };
  }
}

export function countSessions(sessions: Iterable<Session>): SessionCounts {
  const counts: SessionCounts = { total: 0, live: 0, catchingUp: 0, slow: 0, sockets: 0, streams: 0 };
  for (const { state, outlet } of sessions) {
    counts.total += 1;
    if (outlet instanceof SocketOutlet) counts.sockets += 1;
    else counts.streams += 1;
    if (state === 'live') counts.live += 1;
    else if (state === 'slow') counts.slow += 1;
    else counts.catchingUp += 1;
  }
  return counts;
}

/** Issuers of tokens choose ids as they like: an address of e-mail is nobody's business here. */
function shownUserId(userId: string): string | null {
  if (userId.includes('@')) return null;
  // The database stores no null characters and no halves of surrogate pairs.
  return userId.slice(0, maxUserIdLength).replaceAll(/\p{Cc}|\p{Cs}/gu, '?');
}
