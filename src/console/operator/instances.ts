import type { GatewayReport, InstanceStatus } from '../../core/status.ts';

/** One that has not reported for so long hangs, or is gone. */
const silentMs = 10_000;

export function isSilent({ seenAgeMs }: InstanceStatus): boolean {
  return seenAgeMs > silentMs;
}

/** By the host; with the process id where a host has several, and by the id where they are all in one process. */
export function nameInstances(instances: readonly InstanceStatus[]): (id: string) => string {
  const names = new Map(
    instances.map(({ id, host, pid }) => {
      const beside = instances.filter((each) => each.id !== id && each.host === host);
      if (beside.length === 0) return [id, host];
      const isInOne = beside.some((each) => each.pid === pid);
      return [id, `${host} (${pid}${isInOne ? `, ${id.slice(0, 4)}` : ''})`];
    }),
  );
  // A leader that is gone has no report any more.
  return (id) => names.get(id) ?? `instance ${id.slice(0, 8)}`;
}

/** With sockets, and heard of lately: the sessions of one that is gone are on others by now. */
export function openGateways(
  instances: readonly InstanceStatus[],
): { instance: InstanceStatus; gateway: GatewayReport }[] {
  return instances.flatMap((instance) => {
    const { gateway } = instance.report;
    return gateway && !isSilent(instance) ? [{ instance, gateway }] : [];
  });
}
