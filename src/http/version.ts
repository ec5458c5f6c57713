import { readFileSync } from 'node:fs';

// The same place beside `src/http` and `dist/http`.
const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');

/** Of Commitcast. */
export const { version } = JSON.parse(text) as { version: string };
