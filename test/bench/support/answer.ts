/** What a process of a measurement can be asked, by name; the other side of `Child.call`. */
export type Answers = Record<string, (value: never) => unknown>;

/** Answers calls of the parent until it is gone, or says that this process ends. */
export function answer(answers: Answers): void {
  process.on('message', ({ name, value }: { name: string; value: unknown }) => {
    Promise.resolve()
      .then(() => answers[name]?.(value as never))
      .then(
        (result) => process.send?.({ name, value: result }),
        (error: unknown) =>
          process.send?.({ name: 'failed', value: error instanceof Error ? error.stack : error }),
      );
  });
  process.on('disconnect', () => process.exit());
}

/** Microseconds on a clock that all processes of a machine share. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
