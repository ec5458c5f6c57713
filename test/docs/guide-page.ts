import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { startExample, type RunningExample } from '../examples/run-example.ts';
import type { TestDatabase } from '../support/database.ts';
import { secret } from '../support/tokens.ts';

export const root = new URL('../../', import.meta.url).pathname;

export interface CodeBlock {
  language: string;
  /** Of the file that it is, or the word that it is known by; empty: none. */
  name: string;
  content: string;
}

/** A guide of `docs/`: what it prints as code, exactly as it is printed. */
export class Guide {
  readonly blocks: readonly CodeBlock[];
  readonly text: string;

  constructor(page: string) {
    this.text = readFileSync(join(root, 'docs', page), 'utf8');
    this.blocks = [...this.text.matchAll(/^```(\w+) ?(\S*)\n(.*?)^```$/gms)].map(
      ([, language = '', name = '', content = '']) => ({ language, name, content }),
    );
  }

  block(name: string): string {
    const found = this.blocks.find((block) => block.name === name);
    if (!found) throw new Error(`the page has no block ${name}`);
    return found.content;
  }

  /** Lines of its commands that begin so. */
  commands(beginning: string): string[] {
    const lines = this.blocks.flatMap(({ language, content }) =>
      language === 'sh' ? content.split('\n') : [],
    );
    return lines.filter((line) => line.startsWith(beginning));
  }
}

/** A folder below `dist`, where the package is found by its name, with these files. Removed when the test is done. */
export async function folderWith(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(root, 'dist/.guide-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

/** Commands as they are printed, in a shell. `npx commitcast` is the built package, for nothing is fetched in tests. */
export async function runCommands(folder: string, commands: readonly string[], env: Record<string, string>) {
  const npx = `#!/bin/sh\n[ "$1" = commitcast ] && shift && exec ${process.execPath} ${root}dist/cli/main.js "$@"\n`;
  await writeFile(join(folder, 'npx'), npx);
  await chmod(join(folder, 'npx'), 0o755);
  const shell = startExample('sh', ['-ec', commands.join('\n')], {
    cwd: folder,
    env: { ...env, PATH: `${folder}:${process.env['PATH'] ?? ''}` },
  });
  return { code: await shell.ended, output: shell.output() };
}

export interface GuideServer extends RunningExample {
  readonly url: string;
}

/** `server.mjs` of a folder, on a port of its own. */
export async function startGuideServer(folder: string, database: TestDatabase): Promise<GuideServer> {
  const running = startExample(process.execPath, ['server.mjs'], {
    cwd: folder,
    env: { DATABASE_URL: database.url, JWT_SECRET: secret, PORT: '0' },
  });
  const url = await running.says(/http:\/\/\S+/);
  return { ...running, url };
}
