import type { Settings } from '../../../config/settings.ts';
import { found, type Finding } from '../finding.ts';

/** As long as an instance waits for it. */
const patienceMs = 5_000;

/** Whether the keys that verify tokens can be had, as an instance fetches them. Never rejects. */
export async function checkJwks({ jwtJwksUrl }: Pick<Settings, 'jwtJwksUrl'>): Promise<Finding[]> {
  if (jwtJwksUrl === undefined) return [];
  // A query may hold a secret.
  const { origin, pathname } = new URL(jwtJwksUrl);
  const at = `${origin}${pathname}`;
  const unreachable = (what: string) => [
    found(
      'JWKS_UNREACHABLE',
      `${at}: ${what}.`,
      'See JWT_JWKS_URL, and whether this machine may connect. New sessions are refused with UNAVAILABLE meanwhile; instances follow no redirection.',
    ),
  ];
  try {
    const answer = await fetch(jwtJwksUrl, { redirect: 'manual', signal: AbortSignal.timeout(patienceMs) });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      return unreachable(`status ${answer.status}`);
    }
    const body: unknown = await answer.json().catch(() => undefined);
    if (hasKey(body)) return [];
    return [
      found(
        'JWKS_INVALID',
        `${at} answers, and has no key that verifies a token.`,
        'JWT_JWKS_URL is the address of the key set itself, as `jwks_uri` of /.well-known/openid-configuration names it.',
      ),
    ];
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string; message?: string } };
    return unreachable(cause?.code ?? cause?.message ?? message);
  }
}

function hasKey(body: unknown): boolean {
  const keys = (body as { keys?: unknown } | undefined | null)?.keys;
  return (
    Array.isArray(keys) &&
    keys.some((key: { kty?: unknown; use?: unknown } | null) => {
      return ['RSA', 'EC', 'OKP'].includes(String(key?.kty)) && key?.use !== 'enc';
    })
  );
}
