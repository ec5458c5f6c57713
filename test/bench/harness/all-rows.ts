import { readdirSync } from 'node:fs';
import type { Row } from './row.ts';

const folder = new URL('../rows/', import.meta.url);

/** The files of the rows, `NN-name.ts`, by number; `numbers` says which of them. @throws when one of these is not there. */
export function rowFiles(numbers?: readonly number[]): string[] {
  const files = readdirSync(folder)
    .filter((name) => /^\d\d-[\w-]+\.ts$/.test(name))
    .sort();
  const absent = numbers?.filter((number) => !files.some((file) => numberOf(file) === number)) ?? [];
  if (absent.length > 0) throw new Error(`There is no row ${absent.join(', ')} among ${files.join(', ')}`);
  return numbers === undefined ? files : files.filter((file) => numbers.includes(numberOf(file)));
}

/** What the file exports. @throws with its name, so that a broken row is found before hours are spent on the others. */
export async function loadRow(file: string): Promise<Row> {
  const exported = (await import(new URL(file, folder).href).catch((error: unknown) => {
    throw new Error(`test/bench/rows/${file} cannot be loaded: ${String(error)}`, { cause: error });
  })) as Record<string, unknown>;
  const rows = Object.values(exported).filter((value): value is Row => {
    return typeof value === 'object' && value !== null && 'variants' in value && 'goals' in value;
  });
  const [row] = rows;
  if (!row || rows.length > 1) throw new Error(`${file} exports ${rows.length} rows instead of one`);
  if (row.number !== numberOf(file)) throw new Error(`${file} has the number ${row.number}`);
  return row;
}

function numberOf(file: string): number {
  return Number(file.slice(0, 2));
}
