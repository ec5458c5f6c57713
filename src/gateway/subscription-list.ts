import { CommitcastError } from '../core/errors.ts';
import { subscriptionKey, type Subscription } from '../core/subscription.ts';

/** Subscriptions that one session may have. */
export const maxSubscriptions = 1_000;

/**
 * What a session sees, each once, never changed in place. A list, because nearly every session has two: a map of them
 * would take three times the memory.
 */
export type SubscriptionList = readonly Subscription[];

/** The org's own events, which every session has. */
const own: Subscription = Object.freeze({});

export function listOf(subscriptions: readonly Subscription[]): SubscriptionList {
  // Not spread: an array that grows takes room for sixteen more.
  return [own].concat(without(subscriptions, own));
}

/** `pending`: how many wait to be added. */
export function refuseTooMany(list: SubscriptionList, pending: number, subscription: Subscription): void {
  if (list.length + pending < maxSubscriptions || has(list, subscription)) return;
  throw new CommitcastError('SUBSCRIPTION_DENIED', `A session has at most ${maxSubscriptions} subscriptions`);
}

export function including(list: SubscriptionList, subscription: Subscription): SubscriptionList {
  return has(list, subscription) ? list : list.concat(subscription);
}

export function without(list: SubscriptionList, subscription: Subscription): SubscriptionList {
  const key = subscriptionKey(subscription);
  return list.filter((each) => subscriptionKey(each) !== key);
}

export function byKey(list: SubscriptionList): ReadonlyMap<string, Subscription> {
  return new Map(list.map((each) => [subscriptionKey(each), each]));
}

function has(list: SubscriptionList, subscription: Subscription): boolean {
  const key = subscriptionKey(subscription);
  return list.some((each) => subscriptionKey(each) === key);
}
