// The part of the build that is no TypeScript: the page's files to dist/console, and the demo's recorded data to
// dist/demo, so that the package needs vega-datasets at build time only.
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const own = new URL('./', import.meta.url);
const dist = new URL('../../dist/', import.meta.url);
const dataset = pathToFileURL(createRequire(import.meta.url).resolve('vega-datasets'));
const recorded = new URL('../data/seattle-weather-hourly-normals.csv', dataset);

const page = (await readdir(own)).filter((name) => /\.(?:html|css|js)$/.test(name));
await copyAll(
  page.map((name) => new URL(name, own)),
  new URL('console/', dist),
);
await copyAll([recorded], new URL('demo/', dist));

async function copyAll(files, folder) {
  await mkdir(folder, { recursive: true });
  for (const file of files) {
    const name = file.pathname.slice(file.pathname.lastIndexOf('/') + 1);
    await copyFile(file, fileURLToPath(new URL(name, folder)));
  }
}
