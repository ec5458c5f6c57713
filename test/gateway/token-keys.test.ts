import { afterEach, expect, it, vi } from 'vitest';
import { createTokenVerifier, type TokenOptions } from '../../src/gateway/token.ts';
import { createSigningKeys, secret, signToken } from '../support/tokens.ts';
import { startJwksServer } from './jwks-server.ts';

const rsa = await createSigningKeys('RS256', 'rsa');
const ec = await createSigningKeys('ES256', 'ec');

afterEach(() => {
  vi.useRealTimers();
});

it.each([rsa, ec])('$algorithm by public key, whether its PEM has line breaks or \\n', async (keys) => {
  for (const publicKey of [keys.publicPem, keys.publicPem.replaceAll('\n', '\\n')]) {
    const verify = createTokenVerifier({ publicKey });
    expect(await verify(await keys.sign())).toMatchObject({ sub: 'user-1' });
    for (const token of [await (keys === rsa ? ec : rsa).sign(), await signToken()]) {
      await expect(verify(token)).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
    }
  }
});

const unusable: Record<string, TokenOptions> = {
  'no key': {},
  'a secret and a public key': { secret, publicKey: rsa.publicPem },
  'a public key and a JWKS address': { publicKey: rsa.publicPem, jwksUrl: 'https://keys' },
  'a secret of 31 bytes': { secret: 'x'.repeat(31) },
  'an empty secret': { secret: '' },
  'a key that is no PEM': { publicKey: 'rubbish' },
  'an address that is none': { jwksUrl: 'rubbish' },
};

it.each(Object.entries(unusable))('%s: CONFIG_INVALID, without the key in the message', (_name, options) => {
  let failure: unknown;
  try {
    createTokenVerifier(options);
  } catch (error) {
    failure = error;
  }
  expect(failure).toMatchObject({ code: 'CONFIG_INVALID' });
  const { secret: given = 'rubbish' } = options;
  if (given !== '') expect((failure as Error).message).not.toContain(given);
});

it('a secret is measured in bytes: 32 of them are enough', () => {
  expect(() => createTokenVerifier({ secret: 'ü'.repeat(16) })).not.toThrow();
});

it('clocks may differ by 5 seconds, not by more', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const verify = createTokenVerifier({ secret });
  const token = await signToken({}, { ttlSeconds: 10 });
  vi.setSystemTime(Date.now() + 14_000);
  expect(await verify(token)).toMatchObject({ sub: 'user-1' });
  vi.setSystemTime(Date.now() + 2_000);
  await expect(verify(token)).rejects.toMatchObject({ code: 'TOKEN_EXPIRED' });
});

it('JWKS: each key verifies its own tokens; a key that is not listed, or removed, verifies none', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const jwks = await startJwksServer(rsa.jwk, ec.jwk);
  const verify = createTokenVerifier({ jwksUrl: jwks.url });
  expect(await verify(await rsa.sign())).toMatchObject({ sub: 'user-1' });
  expect(await verify(await ec.sign())).toMatchObject({ sub: 'user-1' });
  expect(jwks.requests).toBe(1);

  const next = await createSigningKeys('RS256', 'next');
  await expect(verify(await next.sign())).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
  await expect(verify(await signToken())).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
  // The signer goes over to another key; an unknown one is looked up again, but not more often than twice a minute.
  jwks.keys = [next.jwk];
  vi.setSystemTime(Date.now() + 31_000);
  expect(await verify(await next.sign())).toMatchObject({ sub: 'user-1' });
  await expect(verify(await rsa.sign())).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
});

it('JWKS that cannot be fetched is UNAVAILABLE: the token may be good, later it is taken', async () => {
  const jwks = await startJwksServer(rsa.jwk);
  const token = await rsa.sign();
  const verify = createTokenVerifier({ jwksUrl: jwks.url });
  for (const failure of [
    { status: 500, body: 'down' },
    { status: 404, body: '' },
    { status: 200, body: 'no JSON' },
    { status: 200, body: '{"keys":7}' },
  ]) {
    jwks.failure = failure;
    await expect(verify(token), JSON.stringify(failure)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  }
  jwks.failure = undefined;
  expect(await verify(token)).toMatchObject({ sub: 'user-1' });
  await jwks.close();
  await expect(createTokenVerifier({ jwksUrl: jwks.url })(token)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  });
});

it('an algorithm that the key is not for is TOKEN_INVALID, never trouble of ours', async () => {
  const key = await createSigningKeys('ES256');
  const verify = createTokenVerifier({ publicKey: key.publicPem });
  const [, ...rest] = (await key.sign()).split('.');
  for (const alg of ['ES384', 'ES512', 'HS256', 'RS256', 'none', 'made-up']) {
    const header = Buffer.from(JSON.stringify({ alg, typ: 'JWT' })).toString('base64url');
    await expect(verify([header, ...rest].join('.')), alg).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
  }
});
