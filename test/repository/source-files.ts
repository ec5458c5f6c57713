import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface SourceFile {
  /** From the root of the repository, such as `src/core/cursor.ts`. */
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
}

export interface Import {
  /** As written. */
  readonly specifier: string;
  /** For a relative import, the file that it names. */
  readonly path?: string;
  /** `export … from`. */
  readonly reexport: boolean;
}

const comments = /^\s*(?:\/\*[\s\S]*?\*\/|\/\/.*$)/gm;
const statements =
  /^\s*(import|export)\b[^'";]*?\bfrom\s*'([^']+)'|^\s*(import)\s*'([^']+)'|\b(import)\(\s*'([^']+)'/gm;

/** Every TypeScript file below these folders, with what it imports. */
export function readSources(...folders: string[]): SourceFile[] {
  const paths = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
  );
  return paths
    .filter((path) => /\.tsx?$/.test(path) && !path.includes('node_modules'))
    .sort()
    .map(readSource);
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const imports = [...text.replaceAll(comments, '').matchAll(statements)].map((match): Import => {
    const specifier = match[2] ?? match[4] ?? match[6] ?? '';
    const reexport = match[1] === 'export';
    if (!specifier.startsWith('.')) return { specifier, reexport };
    return { specifier, reexport, path: normalize(join(dirname(path), specifier)) };
  });
  return { path, lines: text.trimEnd().split('\n').length, imports };
}
