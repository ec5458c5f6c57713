import { sized, type Bench } from '../../harness/row.ts';

export const rooms = 20;
/** In each room. */
export const missed = 50;

export function clientsOf(bench: Bench): number {
  return sized(bench, { smoke: 30, short: 1_000, full: 5_000 });
}

export function roomOf(client: number): string {
  return `s${client % rooms}`;
}

/** Of the time that is measured, for the storm as a whole, in milliseconds. */
export function stormMs(report: { beganAtUs: number; liveAtUs: number; lastAtUs: number | null }): number {
  return (Math.max(report.liveAtUs, report.lastAtUs ?? 0) - report.beganAtUs) / 1_000;
}
