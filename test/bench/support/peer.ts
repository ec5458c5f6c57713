import { existsSync } from 'node:fs';

const modules = new URL('../peers/node_modules/', import.meta.url);

/** Why peers that need these packages cannot be measured; `undefined`: they can. */
export async function peerUnavailable(...packages: string[]): Promise<string | undefined> {
  const absent = packages.filter((name) => !existsSync(new URL(`${name}/package.json`, modules)));
  return absent.length === 0 ? undefined : `not installed in test/bench/peers: ${absent.join(', ')}`;
}
