/* docs/reference.md is made from the declarations; `npm run docs:reference` writes it anew. */
import { settings, type Setting } from '../../../src/config/settings.ts';
import { codes } from '../../../src/core/codes.ts';

export const referencePath = new URL('../../../docs/reference.md', import.meta.url);

/** Inside of a cell a bar would end it. */
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

export function renderReference(): string {
  return `# Reference

Made from the declarations in \`src/config/settings.ts\` and \`src/core/codes.ts\` by \`npm run docs:reference\`; a test compares. Metrics
and alerts: [monitoring](monitoring/README.md). What \`commitcast doctor\` finds: [doctor](doctor.md).

## Settings

Environment variables of \`commitcast serve\`, \`relay\` and the other commands. The options of the Fastify plugin are said
where they are declared (\`CommitcastOptions\`), in your editor: \`on\` and \`off\` are booleans there, keys are in \`jwt\`, limits in
\`limits\`, with \`Infinity\` for \`off\`.

| variable | what it is |
| --- | --- |
${(Object.values(settings) as Setting[])
  .map(
    ({ variable, description, secret }) =>
      `| <a id="${variable.toLowerCase()}"></a>\`${variable}\` | ${cell(description)}${secret ? ' _Secret: never shown._' : ''} |`,
  )
  .join('\n')}

## Codes

Match on the code, never on the message. _Again_: the same attempt may succeed later, so a client tries by itself, with a
growing delay.

${Object.entries(codes)
  .sort(([one], [other]) => one.localeCompare(other))
  .map(
    ([code, { meaning, remedy, retry, status }]) => `### ${code}

${meaning.replaceAll('<', '&lt;')}. ${remedy}

HTTP ${status}, again: ${retry ? 'yes' : 'no'}.
`,
  )
  .join('\n')}`;
}
