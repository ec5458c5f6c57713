import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url).pathname;
const read = (path: string) => readFileSync(join(root, path), 'utf8');

const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** Without code: what stands in there is no link. */
const prose = (path: string) => read(path).replaceAll(/^```.*?^```$/gms, '');

/** Links and pictures of Markdown, and those of HTML. */
function targets(path: string): string[] {
  const text = prose(path);
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g), ...text.matchAll(/(?:src|srcset|href)="([^"]+)"/g)];
  return links.map(([, target = '']) => target).filter((target) => !/^[a-z]+:/.test(target));
}

/** What headings become, as GitHub makes it. */
function anchors(path: string): Set<string> {
  const headings = [...prose(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading.toLowerCase());
  return new Set(
    headings.map((heading) => heading.replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')),
  );
}

it.each(pages)('every link of %s leads somewhere', (page) => {
  const broken = targets(page).filter((target) => {
    const [file = '', anchor] = target.split('#');
    const path = file === '' ? page : join(dirname(page), file);
    if (!existsSync(join(root, path))) return true;
    return anchor !== undefined && path.endsWith('.md') && !anchors(path).has(anchor);
  });
  expect(broken).toEqual([]);
});

it('every `npm run` that a page names is a script of the package', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = pages.flatMap((page) =>
    [...read(page).matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name),
  );
  expect(named.length).toBeGreaterThan(3);
  expect(named.filter((name) => name !== undefined && !(name in scripts))).toEqual([]);
});

it('the README shows every picture that there is', () => {
  const shown = new Set(targets('README.md'));
  const pictures = readdirSync(join(root, 'docs/images')).map((name) => `docs/images/${name}`);
  expect(pictures.filter((picture) => !shown.has(picture))).toEqual([]);
});
