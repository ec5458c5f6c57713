import type { GatewayReport, InstanceReport, TransactionStatus } from '../core/status.ts';
import type { AttachedAdapter } from '../fanout/attach-adapter.ts';
import type { Relay } from '../relay/relay.ts';
import type { ProblemLog } from './problem-log.ts';

/** What an instance says of itself. */
export function describeInstance(parts: {
  adapter: AttachedAdapter | undefined;
  relay: Relay | undefined;
  gateway: GatewayReport | null;
  problems: ProblemLog;
}): InstanceReport {
  const { adapter, relay, gateway, problems } = parts;
  return {
    node: process.versions.node,
    rssBytes: residentBytes(),
    adapter: adapter ? { name: adapter.name, state: adapter.state } : null,
    relay: relay ? describeRelay(relay) : null,
    gateway,
    errors: problems.report,
  };
}

function describeRelay({ status: { leading, head, waitingFor } }: Relay): InstanceReport['relay'] {
  return {
    leading,
    head: head ?? null,
    waitingFor: waitingFor.map(({ pid, applicationName, ageMs }): TransactionStatus => ({
      pid,
      applicationName,
      ageMs,
    })),
  };
}

/** 0 when it cannot be read: that takes a file descriptor, and the process may have none left. */
function residentBytes(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return 0;
  }
}
