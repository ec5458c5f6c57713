import type { CommitcastEvent } from '../core/event.ts';
import type { Subscription } from '../core/subscription.ts';

/** What a client saw of an event; a `CommitcastEvent` is one. */
export type SeenEvent = Pick<CommitcastEvent, 'id' | 'position' | 'org'> & {
  site?: string | undefined;
  unit?: string | undefined;
} & {
  readonly [Field in 'type' | 'stream' | 'version' | 'data' | 'meta']?: CommitcastEvent[Field] | undefined;
};

/** One thing that happened to a client, in its own order. */
export type Step =
  /** With the cursor that it came with. */
  | { readonly kind: 'connected'; readonly cursor: string | undefined }
  | { readonly kind: 'live'; readonly cursor: string }
  | { readonly kind: 'events'; readonly events: readonly SeenEvent[]; readonly cursor: string }
  | { readonly kind: 'reset'; readonly reason: string; readonly cursor: string }
  /** Of one subscription, or of all that it had. */
  | { readonly kind: 'revoked'; readonly subscription?: Subscription | undefined }
  | { readonly kind: 'dropped' };

/** What a client asked for, and all that happened to it, over all its connections. */
export interface ClientHistory {
  readonly name: string;
  readonly org: string;
  /** Beside the org's own events, which everybody sees. */
  readonly subscriptions: readonly Subscription[];
  readonly steps: readonly Step[];
  /** Position of the revocation of all its rights, when it is known: everything before it, and nothing after it. */
  readonly revokedAt?: number | undefined;
}

type Scope = Pick<SeenEvent, 'org' | 'site' | 'unit'>;

/**
 * Whether a client with these subscriptions sees an event. Written from the contract and not from the rooms of the
 * gateway: a judge that asks the accused finds nothing.
 */
export function isSeenBy(
  { org, subscriptions }: Pick<ClientHistory, 'org' | 'subscriptions'>,
  about: Scope,
): boolean {
  if (about.org !== org) return false;
  if (about.site === undefined && about.unit === undefined) return true;
  return subscriptions.some(({ site, unit, deep = false }) => {
    if (unit !== undefined) return about.unit === unit;
    if (site === undefined) return deep;
    return about.site === site && (deep || about.unit === undefined);
  });
}

/** The cursor's text is `<epoch>-<position>`. */
export function positionOf(cursor: string): number {
  return Number(cursor.slice(cursor.lastIndexOf('-') + 1));
}

export function scopeText({ org, site = '', unit = '' }: Scope): string {
  return `${org}/${site}/${unit}`;
}
