import { writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { referencePath, renderReference } from './render.ts';

const options = await resolveConfig(referencePath.pathname);
await writeFile(referencePath, await format(renderReference(), { ...options, parser: 'markdown' }));
