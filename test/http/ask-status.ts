import { expect } from 'vitest';
import type { GatewayReport, InstanceStatus, StatusAnswer } from '../../src/core/status.ts';

export async function askStatus(url: string): Promise<StatusAnswer> {
  const response = await fetch(`${url}/v1/status`);
  expect(response.status).toBe(200);
  expect(response.headers.get('cache-control')).toBe('no-store');
  return (await response.json()) as StatusAnswer;
}

/** The instance that answers, and the gateway of it. */
export async function askInstance(url: string): Promise<InstanceStatus & { gateway: GatewayReport }> {
  const { instances } = await askStatus(url);
  const [own] = instances;
  if (!own?.report.gateway) throw new Error('the answer begins with another one');
  return { ...own, gateway: own.report.gateway };
}
