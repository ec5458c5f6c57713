import type { ContainerRuntimeClient } from 'testcontainers';

/** Where Testcontainers can run, or why it cannot and what would help. */
export type ContainerEngine =
  | { readonly available: true; readonly image: string }
  | { readonly available: false; readonly image: string; readonly problem: string; readonly remedy: string };

const answerLimitMs = 5_000;
const pullLimitMs = 60_000;
const reaperImage = 'testcontainers/ryuk:0.14.0';

/** Asks for an engine that has, or can pull, `TEST_POSTGRES_IMAGE` (default `postgres:15`). */
export async function findContainerEngine(): Promise<ContainerEngine> {
  const image = process.env['TEST_POSTGRES_IMAGE'] ?? 'postgres:15';
  const testcontainers = await import('testcontainers');
  let client: ContainerRuntimeClient;
  try {
    client = await within(answerLimitMs, testcontainers.getContainerRuntimeClient());
  } catch {
    return {
      available: false,
      image,
      problem: 'no container engine answers',
      remedy:
        'Install and start one, on Debian: sudo apt-get install docker.io && sudo systemctl start docker',
    };
  }
  if (!(await hasImage(client, testcontainers.ImageName.fromString(image)))) {
    return {
      available: false,
      image,
      problem: `the container engine neither has nor can pull ${image}`,
      remedy: `Run: docker pull ${image}, or name another with TEST_POSTGRES_IMAGE`,
    };
  }
  // Ryuk removes what a killed run left behind. Without its image the run does without: it stops its containers itself.
  if (!(await hasImage(client, testcontainers.ImageName.fromString(reaperImage)))) {
    process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
  }
  return { available: true, image };
}

export async function startPostgresContainer(
  image: string,
  settings: Record<string, string> = {},
): Promise<{ url: string; stop: () => Promise<void> }> {
  const { GenericContainer, Wait } = await import('testcontainers');
  const container = await new GenericContainer(image)
    .withEnvironment({ POSTGRES_PASSWORD: 'commitcast' })
    .withCommand([
      'postgres',
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ])
    .withExposedPorts(5432)
    // The official image starts a first server, on a socket only, to set itself up.
    .withWaitStrategy(
      Wait.forAll([Wait.forListeningPorts(), Wait.forLogMessage(/listening on IPv4 address "0\.0\.0\.0"/)]),
    )
    .start();
  return {
    url: `postgres://postgres:commitcast@${container.getHost()}:${container.getMappedPort(5432)}/postgres`,
    async stop() {
      await container.stop({ timeout: 5_000 });
    },
  };
}

async function hasImage(
  client: ContainerRuntimeClient,
  name: Parameters<ContainerRuntimeClient['image']['exists']>[0],
): Promise<boolean> {
  try {
    if (!(await client.image.exists(name))) await within(pullLimitMs, client.image.pull(name));
    return true;
  } catch {
    return false;
  }
}

async function within<Value>(ms: number, work: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
