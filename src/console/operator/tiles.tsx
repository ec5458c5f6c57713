import type { ReactNode } from 'react';
import type { StatusAnswer } from '../../core/status.ts';
import { countOf, plural } from '../words.ts';
import { openGateways } from './instances.ts';
import { bytesOf, rateOf } from './quantities.ts';
import { figuresOf, lagSeries, rateSeries, recentRate } from './series.ts';

const unknown = '–';

/** The figures that an operator looks at first. */
export function Tiles({ status }: { status: StatusAnswer }) {
  const { log, samples, instances } = status;
  const rate = recentRate(samples);
  const peak = figuresOf(rateSeries(samples, 0)).peak;
  const lags = figuresOf(lagSeries(samples, 0));
  const lag = instances.find(({ id }) => id === status.instance)?.report.gateway?.lag ?? null;
  const all = openGateways(instances).map(({ gateway }) => gateway.sessions);
  const sum = (pick: (each: (typeof all)[number]) => number) =>
    all.reduce((total, each) => total + pick(each), 0);
  return (
    <dl className="operator-tiles" data-testid="tiles">
      <Tile name="Head position" value={log ? countOf(log.head) : unknown}>
        {log
          ? `kept from ${countOf(log.floor)}, epoch ${log.epoch}`
          : 'not known: the database is unreachable'}
      </Tile>
      <Tile name="Events" value={rate === null ? unknown : rateOf(rate)} unit="/s">
        {peak === null ? 'begins with the second sample' : `last 10 s; peak of 5 min ${rateOf(peak)}/s`}
      </Tile>
      <Tile
        name="Lag"
        value={lag === null ? unknown : countOf(lag)}
        unit={lag === 1 ? 'position' : 'positions'}
      >
        {lags.peak === null ? 'no sample yet' : `max of 5 min ${countOf(Math.max(lags.peak, lag ?? 0))}`}
      </Tile>
      <Tile name="Sessions" value={countOf(sum(({ total }) => total))}>
        <SessionStates
          live={sum((each) => each.live)}
          catchingUp={sum((each) => each.catchingUp)}
          slow={sum((each) => each.slow)}
        />
        {countOf(sum(({ sockets }) => sockets))} Socket.IO, {countOf(sum(({ streams }) => streams))} SSE
      </Tile>
      <Tile name="Log on disk" value={log ? bytesOf(log.bytes) : unknown}>
        {log ? `${plural(log.partitions, 'partition')}, Postgres ${log.version}` : 'not known'}
      </Tile>
    </dl>
  );
}

function Tile(props: { name: string; value: string; unit?: string; children: ReactNode }) {
  return (
    <div className="panel operator-tile" data-tile={props.name}>
      <dt>{props.name}</dt>
      <dd>
        <span className="operator-value">
          {props.value}
          {props.unit !== undefined && <small> {props.unit}</small>}
        </span>
        <span className="operator-sub">{props.children}</span>
      </dd>
    </div>
  );
}

function SessionStates({ live, catchingUp, slow }: { live: number; catchingUp: number; slow: number }) {
  return (
    <span className="operator-states">
      <span data-ink={live > 0 ? 'good' : undefined}>{countOf(live)} live</span>
      <span data-ink={catchingUp > 0 ? 'accent' : undefined}>{countOf(catchingUp)} catching up</span>
      <span data-ink={slow > 0 ? 'warn' : undefined}>{countOf(slow)} slow</span>
    </span>
  );
}
