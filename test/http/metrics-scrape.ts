import { expect } from 'vitest';

/** Values by `name{labels}`. */
export type Series = Record<string, number>;

export async function scrapeText(url: string): Promise<string> {
  const response = await fetch(`${url}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  return response.text();
}

export async function scrape(url: string): Promise<Series> {
  return seriesOf(await scrapeText(url));
}

/** Of every line that is no comment. */
export function seriesOf(text: string): Series {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

/** Waits for a scrape that has at least these values. */
export function atLeast(series: Series, wanted: Series): boolean {
  return Object.entries(wanted).every(([name, value]) => (series[name] ?? -Infinity) >= value);
}
