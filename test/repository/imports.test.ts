import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSources, root } from './source-files.ts';
import type { SourceFile } from './source-files.ts';

// The stages of the data's way: a folder imports itself and what stands on earlier lines.
const stages = [
  ['core'],
  ['config', 'tracing'],
  ['db'],
  ['log'],
  ['stream', 'fanout', 'relay'],
  ['gateway', 'consumer'],
  ['http'],
  ['embedded', 'demo', 'testing'],
  ['cli'],
];

/** Narrower than the line that they stand on, or beside it: all that these folders may import. */
const exceptions: Record<string, string[]> = {
  client: ['core'],
  console: ['core', 'client'],
  fanout: ['core', 'db'],
  tracing: ['core'],
};

/** The interface by which the relay knows the fan-out. */
const doorbell = 'src/fanout/doorbell.ts';

const sources = readSources('src');
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, { default: string } | string>;
};
const entryPoints = Object.values(exports).map((entry) =>
  (typeof entry === 'string' ? entry : entry.default).replace('./dist/', 'src/').replace(/\.js$/, '.ts'),
);

const folderOf = (path: string) => (path.split('/').length > 2 ? (path.split('/')[1] ?? '') : '');

function mayImport(from: SourceFile, path: string): boolean {
  const [importer, imported] = [folderOf(from.path), folderOf(path)];
  if (importer === imported || (importer === 'relay' && path === doorbell)) return true;
  // An entry point at the top of src gathers what it likes of the library; the command line is not of it.
  if (importer === '') return entryPoints.includes(from.path) && imported !== 'cli';
  const stage = stages.findIndex((folders) => folders.includes(importer));
  return (exceptions[importer] ?? stages.slice(0, Math.max(stage, 0)).flat()).includes(imported);
}

/** One cycle of files, as `a -> b -> a`, if there is any. */
function findCycle(): string | undefined {
  const importsOf = new Map(
    sources.map(({ path, imports }) => [path, imports.flatMap((each) => each.path ?? [])]),
  );
  const done = new Set<string>();
  const visit = (path: string, way: string[]): string | undefined => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path].join(' -> ');
    if (done.has(path)) return undefined;
    const found = (importsOf.get(path) ?? []).map((next) => visit(next, [...way, path])).find(Boolean);
    done.add(path);
    return found;
  };
  return sources.map(({ path }) => visit(path, [])).find(Boolean);
}

describe('the source', () => {
  it('imports one way, along the stages of the data', () => {
    const wrong = sources.flatMap((source) =>
      source.imports
        .filter(({ path }) => path?.startsWith('src/') && !mayImport(source, path))
        .map(({ path }) => `${source.path} imports ${path}`),
    );
    expect(wrong).toEqual([]);
  });

  it('imports nothing from outside src by path', () => {
    const outside = sources.flatMap((source) =>
      source.imports
        .filter(({ path }) => path !== undefined && !path.startsWith('src/'))
        .map(({ path }) => `${source.path} imports ${path}`),
    );
    expect(outside).toEqual([]);
  });

  it('keeps what browsers run free of Node', () => {
    const ofNode = sources
      .filter(({ path }) => ['core', 'client', 'console', 'tracing'].includes(folderOf(path)))
      .flatMap(({ path, imports }) =>
        imports
          .filter(({ specifier }) => specifier.startsWith('node:'))
          .map((each) => `${path} imports ${each.specifier}`),
      );
    expect(ofNode).toEqual([]);
  });

  it('has no cycle of files', () => {
    expect(findCycle()).toBeUndefined();
  });

  it('has no barrels but the entry points of the package', () => {
    const barrels = sources
      .filter(({ path, imports }) => imports.some(({ reexport }) => reexport) && !entryPoints.includes(path))
      .map(({ path }) => path);
    expect(barrels).toEqual([]);
  });

  it('has no file named after nothing in particular', () => {
    const vague =
      /^(?:utils?|helpers?|lib|types|common|misc|manager)\.tsx?$|-(?:manager|handler|helpers?|utils?)\.tsx?$/;
    expect(sources.map(({ path }) => path).filter((path) => vague.test(basename(path)))).toEqual([]);
  });

  it('has no file of more than 250 lines, tests included', () => {
    const long = readSources('src', 'test').filter(({ lines }) => lines > 250);
    expect(long.map(({ path, lines }) => `${path}: ${lines} lines`)).toEqual([]);
  });
});
