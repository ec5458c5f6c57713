import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { beforeAll, expect, it } from 'vitest';
import { root } from '../repository/source-files.ts';
import { entryPoints, makeTemporary, pack, type Packed } from './stranger.ts';

let packed: Packed;
let data: Buffer<ArrayBuffer>;
/** What the tarball unpacks to. */
let folder: string;

beforeAll(async () => {
  const temporary = await makeTemporary('tarball');
  packed = await pack(temporary);
  data = await readFile(packed.tarball);
  await promisify(execFile)('tar', ['-xzf', packed.tarball, '-C', temporary]);
  folder = join(temporary, 'package');
});

it('publint finds nothing to mend', async () => {
  const tarball = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
  const shown = messages
    .filter(({ type }) => type !== 'suggestion')
    .map((message) => formatMessage(message, pkg) ?? message.code);
  expect(shown).toEqual([]);
});

it('the types of every entry are those of its code, for Node and for bundlers', async () => {
  const result = await checkPackage(createPackageFromTarballData(data));
  if (result.types === false) throw new Error('The package has no types');
  expect(Object.keys(result.entrypoints).sort()).toEqual([...entryPoints, './package.json'].sort());
  // It is ESM, and for `exports`: `require` of it, and resolution as in Node 10, are not meant to work.
  const problems = result.problems.filter(
    (problem) =>
      problem.kind !== 'CJSResolvesToESM' &&
      !('resolutionKind' in problem && problem.resolutionKind === 'node10') &&
      !('resolutionOption' in problem && problem.resolutionOption === 'node10'),
  );
  expect(problems).toEqual([]);
});

it('every source map leads to its source, which is in it', async () => {
  const scripts = packed.paths.filter((path) => /^dist\/(?!console\/).*\.js$/.test(path) && isBuilt(path));
  expect(scripts.length).toBeGreaterThan(200);
  const broken: string[] = [];
  for (const path of scripts) {
    const text = await readFile(join(folder, path), 'utf8');
    const [, name] = /\/\/# sourceMappingURL=(\S+)\s*$/.exec(text) ?? [];
    const map = join(dirname(path), name ?? '');
    if (name === undefined || !packed.paths.includes(map)) {
      broken.push(`${path} has no map`);
      continue;
    }
    const {
      sources,
      sourcesContent = [],
      mappings,
    } = JSON.parse(await readFile(join(folder, map), 'utf8')) as {
      sources: string[];
      sourcesContent?: (string | null)[];
      mappings: string;
    };
    for (const [n, source] of sources.entries()) {
      const place = normalize(join(dirname(map), source));
      if (!sourcesContent[n] && !packed.paths.includes(place)) broken.push(`${map}: ${source} is nowhere`);
    }
    const hasCode =
      text
        .replace('export {};', '')
        .replace(/\/\/# .*/, '')
        .trim() !== '';
    if (sources.length !== 1 || (hasCode && mappings === '')) broken.push(`${map} maps nothing`);
  }
  expect(broken).toEqual([]);
});

it('is small: 6 MB unpacked at most', () => {
  expect(packed.unpackedBytes).toBeLessThan(6 * 1024 * 1024);
});

/** What an earlier build has left behind is none of this one's. */
function isBuilt(path: string): boolean {
  return existsSync(join(root, path.replace(/^dist/, 'src').replace(/\.js$/, '.ts')));
}
