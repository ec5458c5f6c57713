import { readFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';
import { referencePath, renderReference } from './render.ts';

it('the reference is what is declared; `npm run docs:reference` makes it so', async () => {
  const options = await resolveConfig(referencePath.pathname);
  const rendered = await format(renderReference(), { ...options, parser: 'markdown' });
  expect(await readFile(referencePath, 'utf8')).toBe(rendered);
});
