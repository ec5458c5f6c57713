import './stream.css';
import './list.css';
import './side.css';
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Connection } from '../connection.ts';
import type { Row } from '../ledger.ts';
import type { Place } from '../scope.ts';
import type { Org } from '../session.ts';
import { useObservable } from '../use-observable.ts';
import { EventDetail } from './event-detail.tsx';
import { EventList } from './event-list.tsx';
import { filterRows, isFiltering, noFilter, type Filter } from './filter.ts';
import { Filters } from './filters.tsx';
import { ListHead, ListEmpty } from './list-head.tsx';
import { RateChart } from './rate-chart.tsx';
import { Side, type Sheet, type SideName } from './side.tsx';
import { Stats } from './stats.tsx';
import { useHeld } from './use-held.ts';

type Opened = Extract<Row, { event: unknown }>;

/** What is committed, as it comes. */
export function StreamPage({ connection, org, demo }: { connection: Connection; org: Org; demo: boolean }) {
  const { ledger } = connection;
  const view = useObservable(ledger.view);
  const [filter, setFilter] = useState<Filter>(noFilter);
  const [isPaused, setPaused] = useState(false);
  const [isScrolled, setScrolled] = useState(false);
  /** Somebody goes through the rows: they stay where they are. */
  const [isSteered, setSteered] = useState(false);
  const [active, setActive] = useState<number>();
  const [opened, setOpened] = useState<Opened>();
  const [side, setSide] = useState<SideName>('connection');
  const [sheet, setSheet] = useState<Sheet>();
  const scroller = useRef<HTMLOListElement>(null);
  const isHeld = isPaused || isScrolled || isSteered;
  const shown = filterRows(useHeld(view, isHeld), filter);
  const top = shown[0]?.seq ?? -1;
  const waiting = isHeld
    ? filterRows(view.rows, filter).filter((row) => 'event' in row && row.seq > top).length
    : 0;

  const open = useCallback((row: Opened) => {
    setOpened(row);
    setActive(row.seq);
    setSteered(true);
    setSheet(undefined);
  }, []);
  const steer = (row: Opened) => {
    setActive(row.seq);
    setSteered(true);
    if (opened) setOpened(row);
  };
  const goOn = () => {
    setPaused(false);
    setSteered(false);
    scroller.current?.scrollTo({ top: 0 });
  };
  const close = useCallback(() => {
    setOpened(undefined);
    setSheet(undefined);
    setSteered(false);
  }, []);
  useEffect(() => {
    const onKey = ({ key }: KeyboardEvent) => {
      if (key === 'Escape') close();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [close]);
  const follow = ({ unit, site }: Place) => {
    if (unit !== undefined) connection.follow([{ unit }]);
    else if (site !== undefined) connection.follow([{ site, deep: true }]);
    setFilter(noFilter);
    close();
  };
  const openSheet = (name: Sheet | undefined) => {
    setOpened(undefined);
    setSheet(name);
    if (name && name !== 'filters') setSide(name);
  };

  return (
    <div className="stream" data-sheet={opened ? 'side' : sheet === 'filters' ? 'filters' : sheet && 'side'}>
      <section className="panel stream-stats" aria-label="What this page has checked by itself">
        <Stats view={view} />
        <RateChart rate={connection.rate} />
      </section>
      <section className="panel stream-filters" aria-label="Filters">
        <div className="panel-head sheet-head">
          <h2>Filters</h2>
          <button type="button" className="button end" onClick={() => setSheet(undefined)}>
            Done
          </button>
        </div>
        <Filters rows={view.rows} org={org} filter={filter} onChange={setFilter} onFollow={follow} />
      </section>
      <section className="panel stream-list" aria-labelledby="stream-title">
        <ListHead
          connection={connection}
          org={org}
          demo={demo}
          isFiltered={isFiltering(filter)}
          shown={shown.filter((row) => 'event' in row).length}
          isPaused={isPaused}
          waiting={waiting}
          onPause={setPaused}
          onGoOn={goOn}
          onSheet={openSheet}
        />
        <div className="list-body">
          <EventList
            rows={shown}
            org={org}
            mine={view.mine}
            selected={opened?.seq}
            active={active}
            scroller={scroller}
            onSteer={steer}
            onOpen={open}
            onScrolled={setScrolled}
          />
          {!shown.some((row) => 'event' in row) && (
            <ListEmpty
              connection={connection}
              isFiltered={isFiltering(filter)}
              onClear={() => setFilter(noFilter)}
            />
          )}
        </div>
      </section>
      <aside className="panel stream-side" aria-label="Details">
        {opened ? (
          <EventDetail
            event={opened.event}
            org={org}
            cursor={view.cursor}
            onClose={close}
            onFollow={follow}
          />
        ) : (
          <Side
            side={side}
            onSide={setSide}
            onClose={() => setSheet(undefined)}
            connection={connection}
            org={org}
            demo={demo}
          />
        )}
      </aside>
    </div>
  );
}
