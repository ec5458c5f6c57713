import { defaultLimits, type LimitName, type Limits } from '../config/limits.ts';
import type { Logger } from '../core/logger.ts';
import { RateLimitedError } from '../core/rate-limited-error.ts';
import type { KnownUser } from './authenticate.ts';
import type { Identity } from './identity.ts';
import { addressOf, type AddressedRequest } from './limits-address.ts';
import { RateLimit } from './limits-rate.ts';
import type { Rights } from './rights.ts';

const minuteMs = 60_000;
/** When another session ends, nobody knows. */
const fullRetryMs = 10_000;

type Who = Pick<Identity, 'organizationId' | 'userId'>;

type RateName = Extract<LimitName, `${string}PerMinute`>;

/** Sessions of an org that are open. */
interface Org {
  sessions: number;
  readonly users: Map<string, number>;
}

export interface ClientLimitsOptions {
  limits?: Limits | undefined;
  /** Proxies in front that add to X-Forwarded-For. */
  proxyHops?: number | undefined;
  logger: Logger;
}

/** What clients may take of this instance. All that is over a limit is refused with `RATE_LIMITED`. */
export class ClientLimits {
  readonly #limits: Limits;
  readonly #proxyHops: number;
  readonly #logger: Logger;
  readonly #rates: Readonly<Record<RateName, RateLimit>>;
  readonly #orgs = new Map<string, Org>();
  /** Of users who have as many sessions as they may: the org that their membership has named. */
  readonly #fullIn = new Map<string, string>();
  readonly #refused = new Map<LimitName, { count: number; toldAt: number }>();

  constructor({ limits = defaultLimits, proxyHops = 0, logger }: ClientLimitsOptions) {
    this.#limits = limits;
    this.#proxyHops = proxyHops;
    this.#logger = logger;
    const perMinute = (name: RateName) => new RateLimit(limits[name], minuteMs);
    this.#rates = {
      addressConnectsPerMinute: perMinute('addressConnectsPerMinute'),
      userConnectsPerMinute: perMinute('userConnectsPerMinute'),
      userReadsPerMinute: perMinute('userReadsPerMinute'),
      sessionRequestsPerMinute: perMinute('sessionRequestsPerMinute'),
    };
  }

  get packetsPerSecond(): number {
    return this.#limits.packetsPerSecond;
  }

  /** How much each limit has refused since the start; one that has refused nothing is absent. */
  get refused(): ReadonlyMap<LimitName, { readonly count: number }> {
    return this.#refused;
  }

  /**
   * The same rights for a handshake, but let in is only who may come now: before anything is looked at, by the address;
   * before the membership is read, by what the token says; then by the org.
   *
   * @throws {RateLimitedError} by the address
   */
  guard(
    { authenticate, authorize }: Pick<Rights, 'authenticate' | 'authorize'>,
    request: AddressedRequest,
  ): Pick<Rights, 'authenticate' | 'authorize'> {
    this.#take('addressConnectsPerMinute', () => addressOf(request, this.#proxyHops));
    return {
      authorize,
      authenticate: async (token, org) => {
        let isOrgFound = false;
        const identity = await authenticate(token, org, (known) => {
          isOrgFound = known.organizationId === undefined && known.asked === undefined;
          this.#admit(known);
        });
        if (isOrgFound && this.#isFull(identity)) this.#fullIn.set(identity.userId, identity.organizationId);
        this.expectRoom(identity);
        return identity;
      },
    };
  }

  /** A read of history, before the membership is read. @throws {RateLimitedError} */
  read(known: KnownUser): void {
    this.#take('userReadsPerMinute', () => keyOfKnown(known));
  }

  /** A request of a session. @throws {RateLimitedError} */
  request(sessionId: string): void {
    this.#take('sessionRequestsPerMinute', () => sessionId);
  }

  /** Whether one more session may be opened now. @throws {RateLimitedError} */
  expectRoom({ organizationId, userId }: Who): void {
    if (this.#isFull({ organizationId, userId })) throw this.refuse('userSessions', fullRetryMs);
    const sessions = this.#orgs.get(organizationId)?.sessions ?? 0;
    if (sessions >= this.#limits.orgSessions) throw this.refuse('orgSessions', fullRetryMs);
  }

  opened({ organizationId, userId }: Who): void {
    const org = this.#orgs.get(organizationId) ?? { sessions: 0, users: new Map<string, number>() };
    this.#orgs.set(organizationId, org);
    org.sessions += 1;
    org.users.set(userId, (org.users.get(userId) ?? 0) + 1);
  }

  closed({ organizationId, userId }: Who): void {
    const org = this.#orgs.get(organizationId);
    if (!org) return;
    org.sessions -= 1;
    const left = (org.users.get(userId) ?? 0) - 1;
    if (left > 0) org.users.set(userId, left);
    else org.users.delete(userId);
    this.#fullIn.delete(userId);
    if (org.sessions <= 0) this.#orgs.delete(organizationId);
  }

  /** Counts a refusal. An operator hears of each limit that refuses, and of how much, once a minute at most. */
  refuse(name: LimitName, retryAfterMs: number): RateLimitedError {
    const now = performance.now();
    const refused = this.#refused.get(name) ?? { count: 0, toldAt: -Infinity };
    this.#refused.set(name, refused);
    refused.count += 1;
    if (now - refused.toldAt >= minuteMs) {
      refused.toldAt = now;
      this.#logger.warn(
        { limit: name, is: this.#limits[name], refused: refused.count },
        'clients are refused by a limit',
      );
    }
    return new RateLimitedError(retryAfterMs);
  }

  /** By what is known without a query. */
  #admit(known: KnownUser): void {
    const { userId, organizationId, asked } = known;
    const org = organizationId ?? asked ?? this.#fullIn.get(userId);
    if (org !== undefined && this.#isFull({ organizationId: org, userId }))
      throw this.refuse('userSessions', fullRetryMs);
    this.#take('userConnectsPerMinute', () => keyOfKnown(known));
  }

  #isFull({ organizationId, userId }: Who): boolean {
    return (this.#orgs.get(organizationId)?.users.get(userId) ?? 0) >= this.#limits.userSessions;
  }

  #take(name: RateName, keyOfIt: () => string): void {
    // Most have the first one off: then nobody reads headers for it.
    if (this.#limits[name] === Infinity) return;
    const waitMs = this.#rates[name].take(keyOfIt());
    if (waitMs > 0) throw this.refuse(name, waitMs);
  }
}

/** The org that is only asked for is not a part of it: anybody could name any number of them. */
function keyOfKnown({ organizationId = '', userId }: KnownUser): string {
  // An org is an identifier, without spaces.
  return `${organizationId} ${userId}`;
}
