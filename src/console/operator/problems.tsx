import { countOf } from '../words.ts';
import { Ago } from './ago.tsx';
import { nameInstances } from './instances.ts';
import { Panel } from './panel.tsx';
import type { Seen } from './use-status.ts';

const maxShown = 20;

/** What the instances have logged as warnings and errors, the newest first. */
export function Problems({ seen: { status, at } }: { seen: Seen }) {
  const { instances } = status;
  const nameOf = nameInstances(instances);
  const errors = instances.reduce((total, { report }) => total + report.errors.errors, 0);
  const warnings = instances.reduce((total, { report }) => total + report.errors.warnings, 0);
  const recent = instances
    .flatMap(({ id, report }) =>
      report.errors.recent.map((each, index) => ({
        ...each,
        instance: id,
        // It stays the same when others come before it.
        key: `${id}/${report.errors.errors + report.errors.warnings - index}`,
      })),
    )
    .toSorted((a, b) => a.agoMs - b.agoMs)
    .slice(0, maxShown);
  return (
    <Panel
      title="Problems"
      testId="problems"
      aside={`${countOf(errors)} error${errors === 1 ? '' : 's'}, ${countOf(warnings)} warning${warnings === 1 ? '' : 's'} since the start`}
    >
      {recent.length === 0 ? (
        <p className="panel-body soft">None was logged.</p>
      ) : (
        <ul className="operator-problems">
          {recent.map(({ key, level, message, code, agoMs, instance }) => (
            <li key={key}>
              <span className="tag" data-tone={level === 'error' ? 'bad' : 'warn'}>
                {level === 'error' ? 'error' : 'warning'}
              </span>
              <span className="operator-message">
                {message} {code !== null && <code>{code}</code>}
              </span>
              <span className="soft numeric">
                {nameOf(instance)}, <Ago ms={agoMs} at={at} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
