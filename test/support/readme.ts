import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** The code block of the README whose info string is this, exactly as printed. */
export function codeBlock(info: string): string {
  const start = text.indexOf(`\n\`\`\`${info}\n`);
  if (start < 0) throw new Error(`The README has no block ${JSON.stringify(info)}`);
  const from = start + info.length + 5;
  return text.slice(from, text.indexOf('\n```', from) + 1);
}
