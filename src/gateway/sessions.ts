import { CommitcastError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { membershipChangedType, type ControlEvent } from '../log/control-event.ts';
import type { CatchUpSource } from './catch-up.ts';
import { deniedScopes } from './denied.ts';
import { scheduleAt } from './expiry.ts';
import type { Handshake } from './handshake.ts';
import type { Outlet } from './outlet.ts';
import type { Rights, RightsWatch } from './rights.ts';
import { Session } from './session.ts';
import { clockToleranceSeconds } from './token.ts';

/** The client is told so long before its token ends; or at half of the time, when there is less than twice as much. */
const expiryNoticeMs = 60_000;

/** A handshake that was accepted. */
export interface Accepted extends Handshake {
  /** Since before its rights were read. */
  watch: RightsWatch;
}

export interface SessionsOptions {
  rights: Rights;
  source: CatchUpSource;
  logger: Logger;
}

/** The sessions of one instance: whoever is here is found when its rights change. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #expiries = new Map<Session, { expiresAt: number; cancel: () => void }>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  [Symbol.iterator](): Iterator<Session> {
    return this.#sessions.values();
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /**
   * Begins a session in the tick in which it is found from then on: what has changed since its rights were read, shows
   * now. The outlet is asked for when nothing is in the way.
   *
   * @throws {CommitcastError} `ORG_FORBIDDEN`, `RIGHTS_CHANGED`
   */
  open({ watch, cursor, ...asked }: Accepted, outletOf: () => Outlet): Session {
    const { rights, source, logger } = this.#options;
    watch.end();
    if (rights.refuses(asked.identity)) throw new CommitcastError('ORG_FORBIDDEN');
    if (watch.hasChanged(asked.identity)) throw new CommitcastError('RIGHTS_CHANGED');
    const outlet = outletOf();
    const session = new Session({ ...asked, outlet, source, denies: rights.denies.bind(rights), logger });
    this.#sessions.set(outlet.id, session);
    outlet.onGone(() => {
      session.end();
      this.#expiries.get(session)?.cancel();
      this.#expiries.delete(session);
      this.#sessions.delete(outlet.id);
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
    const known = this.#expiries.get(session);
    const expiresAt = session.identity.expiresAt * 1000;
    // The same token once more: who was told when it ends is not told again, or the two would go on for ever.
    if (known?.expiresAt === expiresAt) return;
    known?.cancel();
    const noticeMs = Math.min(expiryNoticeMs, (expiresAt - Date.now()) / 2);
    const cancelNotice = scheduleAt(expiresAt - noticeMs, () => {
      session.outlet.emit('token-expiring', { expiresAt: new Date(expiresAt).toISOString() });
    });
    const cancelEnd = scheduleAt(expiresAt + clockToleranceSeconds * 1000, () => {
      session.close('TOKEN_EXPIRED');
    });
    this.#expiries.set(session, {
      expiresAt,
      cancel: () => {
        cancelNotice();
        cancelEnd();
      },
    });
  }

  /** At its position in the log: all before it has been delivered here, nothing after it. */
  act(control: ControlEvent): void {
    const { userId, organizationId } = this.#options.rights.act(control);
    for (const session of this) {
      const { identity } = session;
      if (identity.userId !== userId || identity.organizationId !== organizationId) continue;
      if (control.type === membershipChangedType) session.close('RIGHTS_CHANGED');
      else this.#enforce(session);
    }
  }

  /** The rights have been read anew; `broken`: so must be all that was read from them. */
  reconsider(broken: boolean): void {
    if (broken) this.#options.rights.distrust();
    for (const session of this) {
      if (broken) session.close('RIGHTS_CHANGED');
      else this.#enforce(session);
    }
  }

  /** Tells every session that this instance stops, and where to go on. */
  shutDown(): void {
    for (const session of this) session.close('SHUTTING_DOWN');
  }

  #enforce(session: Session): void {
    if (this.#options.rights.refuses(session.identity)) {
      session.outlet.emit('revoked', {});
      session.close('ORG_FORBIDDEN');
    } else session.revoke();
  }
}
