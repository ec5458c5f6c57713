import { useId, useState } from 'react';
import type { Ledger } from '../ledger.ts';
import type { Place } from '../scope.ts';
import type { Org } from '../session.ts';
import { problemOf, publish } from './publish.ts';

type Outcome = { readonly tone: 'good' | 'bad'; readonly text: string };

/** Commits an event of one's own, in the demo. */
export function PublishForm({ org, ledger }: { org: Org; ledger: Ledger }) {
  const id = useId();
  const [place, setPlace] = useState<string>('{}');
  const [type, setType] = useState('note.added');
  const [data, setData] = useState('{\n  "text": "Hello"\n}');
  const [isBusy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>();
  const problem = problemOf(data);

  const send = async () => {
    const event = {
      ...(JSON.parse(place) as Place),
      // Given here, so that the event is known as ours however early it comes.
      id: crypto.randomUUID(),
      type: type.trim(),
      data: JSON.parse(data) as unknown,
    };
    setBusy(true);
    ledger.expect(event.id);
    try {
      await publish(org.token, event);
      setOutcome({ tone: 'good', text: 'Committed. It is in the stream, marked as yours.' });
    } catch (error) {
      setOutcome({ tone: 'bad', text: error instanceof Error ? error.message : String(error) });
    } finally {
      setBusy(false);
    }
  };

  return (
    <form
      className="publish"
      data-testid="publish"
      onSubmit={(event) => {
        event.preventDefault();
        if (problem === undefined) void send();
      }}
    >
      <p className="soft">One transaction, one event. Everybody who follows the place gets it.</p>
      <div className="field">
        <label htmlFor={`${id}-place`}>Place</label>
        <select
          id={`${id}-place`}
          className="input"
          data-testid="publish-place"
          value={place}
          onChange={(event) => setPlace(event.target.value)}
        >
          <option value="{}">{org.name}</option>
          {(org.sites ?? []).map((site) => (
            <optgroup key={site.id} label={site.name}>
              <option value={JSON.stringify({ site: site.id })}>{site.name}, the site</option>
              {site.units.map((unit) => (
                <option key={unit.id} value={JSON.stringify({ site: site.id, unit: unit.id })}>
                  {unit.name}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
      </div>
      <div className="field">
        <label htmlFor={`${id}-type`}>Type</label>
        <input
          id={`${id}-type`}
          className="input mono"
          data-testid="publish-type"
          required
          spellCheck={false}
          autoComplete="off"
          value={type}
          onChange={(event) => setType(event.target.value)}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}-data`}>Data, as JSON</label>
        <textarea
          id={`${id}-data`}
          className="input"
          data-testid="publish-data"
          rows={6}
          spellCheck={false}
          autoComplete="off"
          aria-invalid={problem !== undefined}
          aria-describedby={`${id}-problem`}
          value={data}
          onChange={(event) => setData(event.target.value)}
        />
        <span id={`${id}-problem`} className="field-error" data-testid="publish-problem">
          {problem}
        </span>
      </div>
      <button
        type="submit"
        className="button primary"
        data-testid="publish-send"
        disabled={isBusy || problem !== undefined}
      >
        Publish
      </button>
      <p role="status" className="publish-outcome" data-testid="publish-outcome">
        {outcome && (
          <span className="notice" data-tone={outcome.tone}>
            {outcome.text}
          </span>
        )}
      </p>
    </form>
  );
}
