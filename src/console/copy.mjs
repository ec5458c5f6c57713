// The part of the build that neither tsc nor vite does: the demo's recorded data to dist/demo, so that the package needs
// vega-datasets at build time only.
import { copyFile, mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const folder = new URL('../../dist/demo/', import.meta.url);
const dataset = pathToFileURL(createRequire(import.meta.url).resolve('vega-datasets'));
const name = 'seattle-weather-hourly-normals.csv';

await mkdir(folder, { recursive: true });
await copyFile(new URL(`../data/${name}`, dataset), new URL(name, folder));
