/* The same as `answer` and `nowUs` of ../support/answer.ts: peers are plain programs, run by Node as it is. */

/** Answers calls of the parent until it is gone, or says that this process ends. */
export function answer(answers) {
  process.on('message', ({ name, value }) => {
    Promise.resolve()
      .then(() => answers[name]?.(value))
      .then(
        (result) => process.send?.({ name, value: result }),
        (error) => process.send?.({ name: 'failed', value: error instanceof Error ? error.stack : error }),
      );
  });
  process.on('disconnect', () => process.exit());
}

/** Microseconds on a clock that all processes of a machine share. */
export function nowUs() {
  return Number(process.hrtime.bigint() / 1_000n);
}
