import { onTestFinished } from 'vitest';
import * as testing from '../../src/testing/tcp-proxy.ts';

/** The proxy of the fault kit, closed at the end of the test. */
export async function startTcpProxy(target: string): Promise<testing.TcpProxy> {
  const proxy = await testing.startTcpProxy(target);
  onTestFinished(() => proxy.close());
  return proxy;
}
