import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { administer, urlOfDatabase } from '../support/administer.ts';

const folder = new URL('../../migrations/', import.meta.url);

interface Migration {
  readonly tag: string;
  readonly when: number;
}

/** From the first to the newest. */
export const migrations = (
  JSON.parse(readFileSync(new URL('meta/_journal.json', folder), 'utf8')) as { entries: Migration[] }
).entries;

/** The first schema that a version had: what came before it never was by itself. */
export const firstVersion = 4;
/**
 * Whether a schema could publish. Before 0002 there were no positions, or no partitions that they lead to; 0005 has a
 * column that only the functions of 0006 fill, and never was without it.
 */
export const publishesAt = (last: number) => last >= 2 && last !== 5;
/** From there on streams have versions, and SQL has `commitcast.append`. */
export const firstWithStreams = 8;

export interface OldDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** A database of its own with the migrations up to `last`, and the journal that says so; `-1`: an empty one. */
export async function createDatabaseAt(serverUrl: string, last: number): Promise<OldDatabase> {
  const name = `commitcast_test_upgrade_${randomBytes(6).toString('hex')}`;
  await administer(serverUrl, `create database ${name}`);
  const url = urlOfDatabase(serverUrl, name);
  const drop = () => administer(serverUrl, `drop database if exists ${name} with (force)`);
  if (last < 0) return { url, drop };
  try {
    await administer(
      url,
      `create schema commitcast;
       create table commitcast.migration (id serial primary key, hash text not null, created_at bigint)`,
    );
    for (const { tag, when } of migrations.slice(0, last + 1)) {
      const text = readFileSync(new URL(`${tag}.sql`, folder), 'utf8');
      await administer(
        url,
        `${text.replaceAll('--> statement-breakpoint', '')};
         insert into commitcast.migration (hash, created_at) values ('${tag}', ${when.toFixed(0)})`,
      );
    }
  } catch (error) {
    await drop();
    throw error;
  }
  return { url, drop };
}
