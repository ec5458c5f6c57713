import type { Executor } from '../../src/db/executor.ts';
import type { Fact } from './history-checker.ts';

/** Few enough that writers stand in line for them. */
export const hotRows = 20;
export const parents = 8;

/** SQLSTATE of a commit that a business rule refuses. */
export const businessFailure = 'MF001';

/**
 * The business of the model tests. `hot.version` is raised under the row's lock, so it tells the true commit order;
 * `fact` has one row for every event that a transaction has to say, written by the same transaction.
 *
 * A child's deferred foreign key waits at COMMIT for whoever locks or deletes its parent; what it finds then, it writes
 * down under a share lock. A fault raises at COMMIT: in the first round of deferred triggers, or, by way of another
 * fault, in the second, where positions are given.
 */
export async function createBusiness(db: Executor): Promise<void> {
  await db.query(`
    create schema model;
    create table model.hot (id int primary key, version bigint not null default 0);
    insert into model.hot select n from generate_series(1, ${hotRows}) n;
    create table model.parent (id int primary key, version bigint not null default 0);
    insert into model.parent select n from generate_series(1, ${parents}) n;
    create table model.fact (
      id uuid primary key, transaction uuid not null, writer int not null, sequence int not null, turn int not null,
      row text not null, version bigint, read boolean not null default false,
      org text not null, site text, unit text
    );
    create index on model.fact (transaction);
    create table model.unrelated (note text);

    create table model.child (
      fact uuid not null,
      parent int not null references model.parent deferrable initially deferred
    );
    create function model.read_parent() returns trigger language plpgsql as $$
    declare
      found_version bigint;
    begin
      select version into found_version from model.parent where id = new.parent for share;
      if not found then raise exception using errcode = 'MF001', message = 'the parent has gone'; end if;
      update model.fact set version = found_version where id = new.fact;
      return null;
    end $$;
    create constraint trigger read_parent after insert on model.child
    deferrable initially deferred for each row execute function model.read_parent();

    create table model.fault (rounds int not null);
    create function model.fail() returns trigger language plpgsql as $$
    begin
      if new.rounds <= 1 then raise exception using errcode = 'MF001', message = 'a commit that fails'; end if;
      insert into model.fault values (new.rounds - 1);
      return null;
    end $$;
    create constraint trigger fail after insert on model.fault
    deferrable initially deferred for each row execute function model.fail()`);
}

/** What was committed, by the business rows alone. */
export async function readFacts(db: Executor): Promise<Fact[]> {
  const { rows } = await db.query('select * from model.fact');
  return (
    rows as (Omit<Fact, 'version' | 'site' | 'unit'> & Record<'version' | 'site' | 'unit', string | null>)[]
  ).map(({ version, site, unit, ...fact }) => ({
    ...fact,
    version: Number(version),
    site: site ?? undefined,
    unit: unit ?? undefined,
  }));
}
