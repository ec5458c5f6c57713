import { CommitcastError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { membershipChangedType, type ControlEvent } from '../log/control-event.ts';
import type { CatchUpSource } from './catch-up.ts';
import { deniedScopes } from './denied.ts';
import { nowhere, Timetable, type Due } from './expiry.ts';
import type { Handshake } from './handshake.ts';
import type { ClientLimits } from './limits.ts';
import type { Outlet } from './outlet.ts';
import type { Rights, RightsWatch } from './rights.ts';
import type { SessionContext } from './session-context.ts';
import { SessionTally } from './session-tally.ts';
import { Session } from './session.ts';
import { clockToleranceSeconds } from './token.ts';

/** The client is told so long before its token ends; or at half of the time, when there is less than twice as much. */
const expiryNoticeMs = 60_000;

/** A handshake that was accepted. */
export interface Accepted extends Handshake {
  /** Since before its rights were read. */
  watch: RightsWatch;
}

/** A session that is here, and what is next in its token's life: the notice, then the end. */
interface Seat extends Due {
  readonly session: Session;
  /** Unix seconds, of the token that it has now. */
  expiresAt: number;
  noticed: boolean;
}

export interface SessionsOptions {
  rights: Rights;
  source: CatchUpSource;
  limits: ClientLimits;
  logger: Logger;
}

/** The sessions of one instance: whoever is here is found when its rights change. */
export class Sessions {
  readonly tally = new SessionTally();
  readonly #rights: Rights;
  readonly #limits: ClientLimits;
  /** One for all: what is kept for each session is kept ten thousand times. */
  readonly #context: SessionContext;
  readonly #seats = new Map<string, Seat>();
  readonly #expiries = new Timetable<Seat>((seat) => {
    this.#onDue(seat);
  });

  constructor({ rights, source, limits, logger }: SessionsOptions) {
    this.#rights = rights;
    this.#limits = limits;
    this.#context = { source, denies: rights.denies.bind(rights), tally: this.tally, logger };
  }

  *[Symbol.iterator](): Iterator<Session> {
    for (const { session } of this.#seats.values()) yield session;
  }

  get(id: string): Session | undefined {
    return this.#seats.get(id)?.session;
  }

  /**
   * Begins a session in the tick in which it is found from then on: what has changed since its rights were read, shows
   * now. The outlet is asked for when nothing is in the way.
   *
   * @throws {CommitcastError} `ORG_FORBIDDEN`, `RIGHTS_CHANGED`, `RATE_LIMITED`
   */
  open({ watch, cursor, ...asked }: Accepted, outletOf: () => Outlet): Session {
    watch.end();
    if (this.#rights.refuses(asked.identity)) throw new CommitcastError('ORG_FORBIDDEN');
    if (watch.hasChanged(asked.identity)) throw new CommitcastError('RIGHTS_CHANGED');
    this.#limits.expectRoom(asked.identity);
    const outlet = outletOf();
    const session = new Session(this.#context, { ...asked, outlet });
    this.tally.opened += 1;
    this.#seats.set(outlet.id, { session, expiresAt: NaN, noticed: false, dueAt: 0, place: nowhere });
    this.#limits.opened(asked.identity);
    outlet.onGone(() => {
      this.#forget(outlet.id);
    });
    this.renewExpiry(session);
    session.revoke();
    // Before the first event: what other subscriptions show of a scope must not pass for all of it.
    if (cursor) for (const each of deniedScopes(asked.denied)) outlet.emit('revoked', each);
    void session.follow(cursor);
    return session;
  }

  /** The session ends when the token ends that it has now. */
  renewExpiry(session: Session): void {
    const seat = this.#seats.get(session.outlet.id);
    const { expiresAt } = session.identity;
    // The same token once more: who was told when it ends is not told again, or the two would go on for ever.
    if (!seat || seat.expiresAt === expiresAt) return;
    seat.expiresAt = expiresAt;
    seat.noticed = false;
    const noticeMs = Math.min(expiryNoticeMs, (expiresAt * 1000 - Date.now()) / 2);
    this.#expiries.put(seat, expiresAt * 1000 - noticeMs);
  }

  /** At its position in the log: all before it has been delivered here, nothing after it. */
  act(control: ControlEvent): void {
    const { userId, organizationId } = this.#rights.act(control);
    for (const session of this) {
      const { identity } = session;
      if (identity.userId !== userId || identity.organizationId !== organizationId) continue;
      if (control.type === membershipChangedType) session.close('RIGHTS_CHANGED');
      else this.#enforce(session);
    }
  }

  /** The rights have been read anew; `broken`: so must be all that was read from them. */
  reconsider(broken: boolean): void {
    if (broken) this.#rights.distrust();
    for (const session of this) {
      if (broken) session.close('RIGHTS_CHANGED');
      else this.#enforce(session);
    }
  }

  /** Tells every session that this instance stops, and where to go on. */
  shutDown(): void {
    for (const session of this) session.close('SHUTTING_DOWN');
  }

  #onDue(seat: Seat): void {
    const { session, expiresAt, noticed } = seat;
    if (noticed) {
      session.close('TOKEN_EXPIRED');
      return;
    }
    seat.noticed = true;
    this.#expiries.put(seat, (expiresAt + clockToleranceSeconds) * 1000);
    session.outlet.emit('token-expiring', { expiresAt: new Date(expiresAt * 1000).toISOString() });
  }

  #forget(id: string): void {
    const seat = this.#seats.get(id);
    if (!seat) return;
    this.#seats.delete(id);
    this.#expiries.remove(seat);
    this.#limits.closed(seat.session.identity);
    seat.session.end();
  }

  #enforce(session: Session): void {
    if (this.#rights.refuses(session.identity)) {
      session.outlet.emit('revoked', {});
      session.close('ORG_FORBIDDEN');
    } else session.revoke();
  }
}
