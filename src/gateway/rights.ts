import { CommitcastError } from '../core/errors.ts';
import type { Subscription } from '../core/subscription.ts';
import type { Executor } from '../db/executor.ts';
import { membershipChangedType, revokedType, type ControlEvent } from '../log/control-event.ts';
import { readRevocations, type RevokedRight } from '../log/read-revocations.ts';
import type { Authenticate } from './authenticate.ts';
import type { Authorize } from './authorize.ts';
import type { Identity } from './identity.ts';
import { clockToleranceSeconds } from './token.ts';

/** Whose rights a control event is about. */
export type Subject = Pick<Identity, 'userId' | 'organizationId'>;

/** Stands for somebody whose rights have been read, and are not in use yet. */
export interface RightsWatch {
  /** Whether the rights of the identity may be others than those that were read since. */
  hasChanged: (identity: Subject) => boolean;
  end: () => void;
}

/**
 * Who may see what, at the position that this instance has reached. Revocations are kept in memory: all of the table at
 * the start, then each as the dispatcher comes to its position. So they need no query, and take effect in the order of
 * the events. Whoever has asked and waited looks once more in the tick in which the answer is used: `refuses`, `denies`.
 */
export class Rights {
  /** As given; and refuses who has lost the org since the token was issued. */
  readonly authenticate: Authenticate;
  /** As given; and denies what the identity has lost since the token was issued. */
  readonly authorize: Authorize;
  /** By user, then by what was lost. */
  readonly #revoked = new Map<string, Map<string, RevokedRight>>();
  readonly #watches = new Set<Set<string>>();

  constructor({ authenticate, authorize }: { authenticate: Authenticate; authorize: Authorize }) {
    this.authenticate = async (token, org, admit) => {
      const identity = await authenticate(token, org, admit);
      if (this.refuses(identity)) throw new CommitcastError('ORG_FORBIDDEN');
      return identity;
    };
    this.authorize = async (identity, subscription) =>
      !this.denies(identity, subscription) && (await authorize(identity, subscription));
  }

  /** Takes what the database says in place of what is known. */
  async load(db: Executor): Promise<void> {
    const all = await readRevocations(db);
    this.#revoked.clear();
    for (const revoked of all) this.#add(revoked);
  }

  /** Takes a control event into force. Returns whose sessions must be looked at. */
  act(control: ControlEvent): Subject {
    const subject = { organizationId: control.org, userId: control.user };
    if (control.type === revokedType) this.#add(control);
    if (control.type === membershipChangedType)
      for (const changed of this.#watches) changed.add(keyOf(subject));
    return subject;
  }

  /** Changes may have been missed: whatever rights have been read must be read again. */
  distrust(): void {
    for (const changed of this.#watches) changed.add(everybody);
  }

  /** Whether the identity has lost its org. */
  refuses(identity: Identity): boolean {
    return this.#lost(identity).some(({ site, unit }) => site === undefined && unit === undefined);
  }

  /** Whether the identity has lost something that the subscription shows. */
  denies(identity: Identity, subscription: Subscription): boolean {
    return this.#lost(identity).some((revoked) => shows(subscription, revoked));
  }

  /** Called before rights are read from anywhere. */
  watch(): RightsWatch {
    const changed = new Set<string>();
    this.#watches.add(changed);
    return {
      hasChanged: (subject) => changed.has(keyOf(subject)) || changed.has(everybody),
      end: () => this.#watches.delete(changed),
    };
  }

  #add({ org, user, site, unit, at }: RevokedRight): void {
    const key = keyOf({ organizationId: org, userId: user });
    const known = this.#revoked.get(key) ?? new Map<string, RevokedRight>();
    this.#revoked.set(key, known);
    const what = `${site ?? ''} ${unit ?? ''}`;
    // A clock may have been put back.
    known.set(what, { org, user, site, unit, at: Math.max(at, known.get(what)?.at ?? at) });
  }

  /** A token is as old as it says; with the clocks' tolerance, and of any age when it does not say. */
  #lost(identity: Identity): RevokedRight[] {
    const { issuedAt = -Infinity } = identity;
    const since = (issuedAt - clockToleranceSeconds) * 1000;
    const known = this.#revoked.get(keyOf(identity));
    return known ? Array.from(known.values()).filter(({ at }) => since <= at) : [];
  }
}

/** No key: those begin with an org. */
const everybody = '';

/** Whether a subscription may show events of what was revoked. Which site a unit is of, only its events say. */
export function shows(
  subscription: Subscription,
  { site, unit }: Pick<RevokedRight, 'site' | 'unit'>,
): boolean {
  if (site === undefined && unit === undefined) return true;
  const { deep = false } = subscription;
  if (deep && subscription.site === undefined) return true;
  if (unit === undefined) return subscription.site === site;
  if (subscription.unit !== undefined) return subscription.unit === unit;
  return deep && (site === undefined || subscription.site === site);
}

function keyOf({ organizationId, userId }: Subject): string {
  // An org is an identifier, without spaces.
  return `${organizationId} ${userId}`;
}
