import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * The demo's temperatures are not invented. They are `seattle-weather-hourly-normals.csv` of the npm package
 * vega-datasets 3.2.1: temperature (°C) and pressure (hPa) for every hour of a year in Seattle, the 1981–2010 Climate
 * Normals of NOAA's National Climatic Data Center (https://www.ncdc.noaa.gov/cdo-web/datatools/normals), a work of the
 * U.S. government. Each value is the average of what was measured at that hour in thirty years, so the curves are
 * smooth; 2010 stands for "a year".
 *
 * They are shown as what they are: air temperatures outdoors. In the demo they are the reading of the probe on the
 * outside of a container, truck or cold room, whose cooling has a limit (see `orgs.ts`; the limits are invented). Every
 * unit replays the series from an hour of its own, one hour a reading, and no value is changed.
 */
export interface Recorded {
  /** Local time, without a zone: `2010-07-14T06:00:00`. */
  time: string;
  temperature: number;
  pressure: number;
}

export const recordedFile = 'seattle-weather-hourly-normals.csv';

/** A year in hours; after the last row comes the first. */
export async function readRecorded(): Promise<Recorded[]> {
  const [head = '', ...lines] = (await readFile(locate(), 'utf8')).trim().split(/\r?\n/);
  const columns = head.split(',');
  const [time, temperature, pressure] = ['date', 'temperature', 'pressure'].map((name) =>
    columns.indexOf(name),
  );
  return lines.map((line) => {
    const cells = line.split(',');
    const cell = (column = -1) => cells[column] ?? '';
    return { time: cell(time), temperature: Number(cell(temperature)), pressure: Number(cell(pressure)) };
  });
}

/** Beside this file where the build has copied it, or in the package that brings it. */
function locate(): string {
  const copied = fileURLToPath(new URL(recordedFile, import.meta.url));
  if (existsSync(copied)) return copied;
  const entry = createRequire(import.meta.url).resolve('vega-datasets');
  return fileURLToPath(new URL(`../data/${recordedFile}`, `file://${entry}`));
}
