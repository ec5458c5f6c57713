// `npm run docs:api`: the API as pages, made by TypeDoc of the declarations that an application's editor reads as well.
// A link in a comment that leads nowhere, or anything else that TypeDoc warns of, is an error.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Application, LogLevel } from 'typedoc';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const { name, exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

/** As an application imports it, by the name that TypeDoc gives to its declarations. */
const modules = new Map(
  Object.entries(exports).flatMap(([path, { types }]) => {
    const declared = types?.replace('./dist/', '').replace(/(?:\/index)?\.d\.ts$/, '');
    return declared ? [[declared, { entry: path.replace('.', name), file: `${root}${types}` }]] : [];
  }),
);

const app = await Application.bootstrap({
  name: 'Commitcast',
  entryPoints: [...modules.values()].map(({ file }) => file),
  tsconfig: fileURLToPath(new URL('tsconfig.json', import.meta.url)),
  readme: 'none',
  disableSources: true,
  hideGenerator: true,
  validation: { notExported: false, invalidLink: true, rewrittenLink: true },
  logLevel: LogLevel.Warn,
});
const project = await app.convert();
if (!project) process.exit(1);
app.validate(project);
for (const module of project.children ?? []) {
  const known = modules.get(module.name);
  if (!known) throw new Error(`No entry point of package.json has the declarations ${module.name}`);
  module.name = known.entry;
}
const folder = `${root}api`;
await app.generateDocs(project, folder);
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1);
console.log(`${modules.size} entry points: ${folder}/index.html`);
