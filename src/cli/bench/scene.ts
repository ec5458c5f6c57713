import type { Client } from 'pg';
import type { Follower } from './follower.ts';

/** What all measurements work with. */
export interface Scene {
  /** So many connections to the database that was made; the same ones each time. */
  clients: (count: number) => Promise<Client[]>;
  follower: Follower;
  /** How long one point is measured. */
  seconds: number;
  /** Aborts when the command is interrupted: every loop ends, and all is taken down. */
  signal: AbortSignal;
  /** Says what comes next. */
  say: (step: string) => void;
}
