import type { ConsumerStatus, StatusAnswer } from '../../core/status.ts';
import { countOf, plural } from '../words.ts';
import { isLong, writerName, type Held } from './held.ts';
import { isSilent, nameInstances } from './instances.ts';
import { spanOf } from './quantities.ts';
import { steadyLag } from './series.ts';

/** Something that whoever runs the installation may want to know first. */
export interface Finding {
  readonly tone: 'bad' | 'warn' | 'note';
  /** Does not change with time alone: it is read aloud. */
  readonly text: string;
  readonly detail?: string | undefined;
}

export interface Health {
  readonly tone: 'good' | 'warn' | 'bad';
  /** One sentence: what is wrong, the worst first; or that nothing is. */
  readonly headline: Finding['text'];
  readonly detail?: string | undefined;
  /** The rest of what was found. */
  readonly others: readonly Finding[];
}

const leaderSilentMs = 10_000;
const manyPositions = 100;
const recentErrorMs = 300_000;
const order = { bad: 0, warn: 1, note: 2 };

export function assess(status: StatusAnswer, held: readonly Held[]): Health {
  const findings = findAll(status, held).toSorted((a, b) => order[a.tone] - order[b.tone]);
  const [worst] = findings;
  if (worst && worst.tone !== 'note')
    return { tone: worst.tone, headline: worst.text, detail: worst.detail, others: findings.slice(1) };
  return { tone: 'good', headline: healthy(status), others: findings };
}

function healthy({ instances, leader }: StatusAnswer): string {
  const led = leader ? `leader ${nameInstances(instances)(leader.instance)}, ` : '';
  return `Healthy: ${plural(instances.length, 'instance')}, ${led}nothing held back`;
}

/** The worst of each tone first. */
function findAll(status: StatusAnswer, held: readonly Held[]): Finding[] {
  if (status.database === 'unreachable')
    return [
      {
        tone: 'bad',
        text: 'The database is unreachable',
        detail:
          'Connections stay open, and nothing is lost: what commits is delivered when the database answers again. Until then, only the instance that answers is shown.',
      },
      ...instanceFindings(status),
    ];
  return [
    ...leaderFindings(status),
    ...holdFindings(held),
    ...consumerFindings(status),
    ...instanceFindings(status),
    ...lagFindings(status, held),
    ...problemFindings(status),
  ];
}

function leaderFindings({ leader, instances }: StatusAnswer): Finding[] {
  const detail = 'What commits is kept, and delivered as soon as a relay leads.';
  if (!leader) return [{ tone: 'bad', text: 'No relay leads: nothing is delivered', detail }];
  if (leader.heartbeatAgeMs <= leaderSilentMs) return [];
  const age = spanOf(leader.heartbeatAgeMs);
  return [
    {
      tone: 'bad',
      text: `The leader ${nameInstances(instances)(leader.instance)} is silent`,
      detail: `Its last heartbeat came ${age} ago. Another relay stands in, if there is one. ${detail}`,
    },
  ];
}

function holdFindings(held: readonly Held[]): Finding[] {
  const [first, ...rest] = held.filter(isLong).toSorted((a, b) => b.heldMs - a.heldMs);
  if (!first) return [];
  const more = rest.length === 0 ? '' : `, and ${countOf(rest.length)} more`;
  return [
    {
      tone: 'bad',
      text: `A commit of ${writerName(first)}${more} holds the stream back`,
      detail: `For ${spanOf(first.heldMs)} or more. All that committed after it waits, so that the order holds.`,
    },
  ];
}

interface ConsumerRule extends Pick<Finding, 'tone' | 'detail'> {
  readonly one: string;
  readonly many: string;
  readonly applies: (each: ConsumerStatus) => boolean;
}

const consumerRules: readonly ConsumerRule[] = [
  {
    tone: 'bad',
    one: 'stands still',
    many: 'stand still',
    applies: ({ failed }) => failed,
    detail:
      'It cannot handle its next event, and skips none. `npx commitcast consumers list` says why; mend that, then resume it.',
  },
  {
    tone: 'warn',
    one: 'has no worker',
    many: 'have no worker',
    applies: ({ failed, paused, alive }) => !failed && !paused && !alive,
    detail: 'Its events are kept, and handled when the application that consumes them runs.',
  },
  { tone: 'note', one: 'is paused', many: 'are paused', applies: ({ failed, paused }) => !failed && paused },
  {
    tone: 'note',
    one: 'has parked events',
    many: 'have parked events',
    applies: ({ parked }) => parked > 0,
  },
];

function consumerFindings({ consumers }: StatusAnswer): Finding[] {
  return consumerRules.flatMap(({ tone, one, many, applies, detail }) => {
    const names = [...new Set(consumers.filter(applies).map(({ name }) => name))];
    if (names.length === 0) return [];
    const text = names.length === 1 ? `Consumer ${names[0]} ${one}` : `Consumers ${names.join(', ')} ${many}`;
    return [{ tone, text, detail }];
  });
}

function instanceFindings({ instances }: StatusAnswer): Finding[] {
  const nameOf = nameInstances(instances);
  const found: Finding[] = [];
  for (const instance of instances) {
    const { adapter, gateway } = instance.report;
    const name = nameOf(instance.id);
    if (isSilent(instance))
      found.push({
        tone: 'warn',
        text: `${name} is silent`,
        detail: `Its last report came ${spanOf(instance.seenAgeMs)} ago: it hangs, or is gone.`,
      });
    else if (adapter?.state === 'unreachable')
      found.push({
        tone: 'warn',
        text: `${name} does not reach its adapter ${adapter.name}`,
        detail: 'It delivers from the log meanwhile, somewhat later.',
      });
    if (!isSilent(instance) && gateway && gateway.sessions.slow > 0)
      found.push({ tone: 'note', text: `${name} has ${plural(gateway.sessions.slow, 'slow session')}` });
  }
  const versions = new Set(instances.filter((each) => !isSilent(each)).map(({ version }) => version));
  if (versions.size > 1)
    found.push({ tone: 'note', text: `Versions ${[...versions].join(' and ')} run side by side` });
  return found;
}

function lagFindings({ samples, instance, instances }: StatusAnswer, held: readonly Held[]): Finding[] {
  const lag = steadyLag(samples);
  if (lag === null || lag < manyPositions || held.some(isLong)) return [];
  return [
    {
      tone: 'warn',
      text: `${nameInstances(instances)(instance)} is behind`,
      detail: `By ${plural(lag, 'position')} or more, for the last 10 s.`,
    },
  ];
}

function problemFindings({ instances }: StatusAnswer): Finding[] {
  const errors = instances.flatMap(({ report }) =>
    report.errors.recent.filter(({ level, agoMs }) => level === 'error' && agoMs < recentErrorMs),
  );
  if (errors.length === 0) return [];
  return [{ tone: 'note', text: `${plural(errors.length, 'error')} logged in the last 5 minutes` }];
}
