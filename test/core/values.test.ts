import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCursor, parseCursor } from '../../src/core/cursor.ts';
import { codes } from '../../src/core/codes.ts';
import type { CodeRule } from '../../src/core/code-rule.ts';
import { CommitcastError, isCode, toPublicError } from '../../src/core/errors.ts';
import { isIdentifier } from '../../src/core/identifier.ts';
import { parseSubscription, subscriptionKey, type Subscription } from '../../src/core/subscription.ts';

const text = (alphabet: string, options: { minLength: number; maxLength: number }) =>
  fc.string({ unit: fc.constantFrom(...alphabet.split('')), ...options });
const epochs = text('abcdefghijklmnopqrstuvwxyz234567', { minLength: 8, maxLength: 8 });
const ids = text('abcXYZ019._~-', { minLength: 1, maxLength: 128 });

describe('cursor', () => {
  it('what is written is read as it was', () => {
    fc.assert(
      fc.property(epochs, fc.maxSafeNat(), (epoch, position) => {
        expect(parseCursor(formatCursor({ epoch, position }))).toEqual({ epoch, position });
      }),
    );
  });

  it('what can be read is written as it was: no two texts are the same cursor, and nothing else throws', () => {
    const almost = fc.oneof(fc.string(), fc.stringMatching(/^[a-z2-7]{7,9}-[0-9]{0,18}\n?$/), fc.anything());
    fc.assert(
      fc.property(almost, (given) => {
        try {
          expect(formatCursor(parseCursor(given))).toBe(given);
        } catch (error) {
          expect(error).toMatchObject({ code: 'CURSOR_INVALID' });
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('subscription', () => {
  const subscriptions: fc.Arbitrary<Subscription> = fc.oneof(
    fc.constant({}),
    fc.constant({ deep: true as const }),
    ids.map((site) => ({ site })),
    ids.map((site) => ({ site, deep: true as const })),
    ids.map((unit) => ({ unit })),
  );

  it('the five shapes are taken as they are; `deep: false` is the same as none', () => {
    fc.assert(
      fc.property(subscriptions, (subscription) => {
        expect(parseSubscription(subscription)).toEqual(subscription);
        if (!subscription.deep)
          expect(parseSubscription({ ...subscription, deep: false })).toEqual(subscription);
      }),
    );
  });

  it('anything else is SUBSCRIPTION_INVALID, and never another error', () => {
    const fields = { site: fc.anything(), unit: fc.anything(), deep: fc.anything(), org: fc.anything() };
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.record(fields, { requiredKeys: [] })), (given) => {
        try {
          const { site, unit, deep } = parseSubscription(given);
          for (const id of [site, unit]) if (id !== undefined) expect(isIdentifier(id)).toBe(true);
          expect(unit !== undefined && (site !== undefined || deep === true)).toBe(false);
        } catch (error) {
          expect(error).toMatchObject({ code: 'SUBSCRIPTION_INVALID' });
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('the key is the same for equal subscriptions, and for no others', () => {
    fc.assert(
      fc.property(subscriptions, subscriptions, (one, other) => {
        const same = JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
        expect(subscriptionKey(one) === subscriptionKey(other)).toBe(same);
      }),
    );
  });
});

const sorted = ({ site, unit, deep }: Subscription) => [site, unit, deep];

describe('codes', () => {
  it.each(Object.entries<CodeRule>(codes))(
    '%s says what it means, whether to retry, and what to do',
    (code, rule) => {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
      expect(rule.meaning).toMatch(/^\S.{8,}[^.]$/);
      expect(rule.remedy).toMatch(/^[A-Z].{8,}$/);
      expect(rule.retry).toBeTypeOf('boolean');
      expect(rule.status).toBeGreaterThanOrEqual(400);
      expect(rule.status).toBeLessThan(600);
      // Who is told to try again later is told so by the status too.
      if (rule.retry) expect([429, 500, 503]).toContain(rule.status);
    },
  );

  it('every code of the contract is there', () => {
    const contract =
      `TOKEN_REQUIRED TOKEN_INVALID TOKEN_EXPIRED ORG_REQUIRED ORG_FORBIDDEN CURSOR_INVALID RATE_LIMITED
      SUBSCRIPTION_INVALID SUBSCRIPTION_DENIED EVENT_INVALID EVENT_TOO_LARGE TOO_MANY_EVENTS EVENT_NAME_RESERVED
      SLOW_CONSUMER SHUTTING_DOWN INTERNAL PORT_IN_USE DATABASE_REQUIRED JWT_KEY_REQUIRED SCHEMA_TOO_NEW
      ALREADY_RUNNING`.split(/\s+/);
    for (const code of contract) expect(isCode(code), code).toBe(true);
    expect(codes.TOKEN_REQUIRED.meaning).toBe('Authentication token required');
  });

  it('nothing inherited passes for a code', () => {
    for (const value of ['toString', '__proto__', 'constructor', '', 7, null, undefined])
      expect(isCode(value)).toBe(false);
  });

  it('an error without a code becomes INTERNAL and tells nothing; one with a code stays as it is', () => {
    const secret = new Error('password=hunter2');
    expect(toPublicError(secret).toJSON()).toEqual({ code: 'INTERNAL', message: codes.INTERNAL.meaning });
    expect(toPublicError(secret).cause).toBe(secret);
    for (const thrown of [undefined, null, 'text', { code: 'TOKEN_INVALID' }])
      expect(toPublicError(thrown).code).toBe('INTERNAL');
    const coded = new CommitcastError('ORG_FORBIDDEN');
    expect(toPublicError(coded)).toBe(coded);
    expect(JSON.stringify(coded)).toBe(`{"code":"ORG_FORBIDDEN","message":"${codes.ORG_FORBIDDEN.meaning}"}`);
    expect(coded.data).toEqual({ code: 'ORG_FORBIDDEN' });
  });
});
