import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export const root = new URL('../../', import.meta.url).pathname;

/** A fenced block of code of a page, exactly as printed. */
export interface DocBlock {
  readonly page: string;
  /** Line of the fence that opens it. */
  readonly line: number;
  /** What stands behind the fence: the language, and a name if it has one. */
  readonly info: string;
  readonly language: string;
  readonly name: string;
  readonly content: string;
}

/** The pages whose blocks are run: the README, what lies beside it, and all of `docs`. */
export function listPages(): string[] {
  const inDocs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
  return ['README.md', 'SECURITY.md', ...inDocs.map((name) => `docs/${name}`).toSorted()].filter((name) =>
    name.endsWith('.md'),
  );
}

export function readPage(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

export function listBlocks(page: string): DocBlock[] {
  return blocksIn(page, readPage(page));
}

/** Also those in lists, which are indented. A fence that nothing closes is an error: the rest of the page would be code. */
export function blocksIn(page: string, text: string): DocBlock[] {
  const lines = text.split('\n');
  const blocks: DocBlock[] = [];
  for (let at = 0; at < lines.length; at++) {
    const [, indent, fence, info = ''] = /^( *)(`{3,}|~{3,})(.*)$/.exec(lines[at] ?? '') ?? [];
    if (indent === undefined || fence === undefined) continue;
    const end = lines.findIndex((line, n) => n > at && line.trimStart() === fence);
    if (end < 0) throw new Error(`${page}:${at + 1}: the block is not closed`);
    const [language = '', name = ''] = info.trim().split(' ');
    const content = lines.slice(at + 1, end).map((line) => `${line.slice(indent.length)}\n`);
    blocks.push({ page, line: at + 1, info: info.trim(), language, name, content: content.join('') });
    at = end;
  }
  return blocks;
}

/** By what stands behind the fence; of several that have the same there, by how it begins as well. */
export function docBlock(page: string, info: string, beginning = ''): string {
  const found = listBlocks(page).filter(
    (block) => block.info === info && block.content.startsWith(beginning),
  );
  const [block] = found;
  if (!block || found.length > 1)
    throw new Error(`${page} has ${found.length} blocks ${JSON.stringify([info, beginning])}`);
  return block.content;
}

/** A folder in which files find the built package by its name, with these files. Removed with the test. */
export async function makeDocFolder(files: Record<string, string> = {}): Promise<string> {
  const folder = await mkdtemp(join(root, 'dist/.docs-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

/** Lines for a shell, with this package's command where a page says `commitcast`, as npx finds it where it is installed. */
export function withBuiltCommand(script: string): string {
  const command = `"${process.execPath}" "${join(root, 'dist/cli/main.js')}"`;
  const replaced = script.replaceAll(/(?<![\w/.-])(?:npx )?commitcast (?=[a-z-])/g, `${command} `);
  if (replaced === script) throw new Error(`No commitcast command in:\n${script}`);
  return replaced;
}
