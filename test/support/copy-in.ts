import type { Client } from 'pg';

interface Wire {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** `COPY … FROM STDIN` over a `pg` client, which has the messages but no method for it. */
export function copyIn(client: Client, text: string, content: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | undefined;
    const query = {
      submit(wire: Wire) {
        wire.query(text);
      },
      handleCopyInResponse(wire: Wire) {
        wire.sendCopyFromChunk(Buffer.from(content));
        wire.endCopyFrom();
      },
      handleCommandComplete() {},
      handleError(error: Error) {
        failure = error;
        reject(error);
      },
      handleReadyForQuery() {
        if (!failure) resolve();
      },
    };
    (client.query as (submittable: object) => unknown)(query);
  });
}
