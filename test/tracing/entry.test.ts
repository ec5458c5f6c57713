import { expect, it } from 'vitest';
import * as entry from '../../src/tracing/index.ts';
import { readSources } from '../repository/source-files.ts';

const importing = (folder: string) =>
  readSources(folder)
    .filter(({ imports }) => imports.some(({ specifier }) => specifier.startsWith('@opentelemetry/')))
    .map(({ path }) => path);

it('commitcast/tracing has what wraps handlers, and nothing else', () => {
  expect(Object.keys(entry).toSorted()).toEqual(['traced', 'tracedBatch']);
});

it('a page that does not import it loads nothing of OpenTelemetry', () => {
  for (const folder of ['src/core', 'src/client']) {
    expect(importing(folder)).toEqual([]);
    const tracing = readSources(folder).filter(({ imports }) =>
      imports.some(({ path }) => path?.startsWith('src/tracing/')),
    );
    expect(tracing).toEqual([]);
  }
  expect(importing('src/tracing').length).toBeGreaterThan(0);
});

it('the library needs the API of OpenTelemetry only: no SDK, no exporter', () => {
  const specifiers = readSources('src').flatMap(({ imports }) => imports.map(({ specifier }) => specifier));
  const used = new Set(specifiers.filter((specifier) => specifier.startsWith('@opentelemetry/')));
  expect([...used]).toEqual(['@opentelemetry/api']);
});
