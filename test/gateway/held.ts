/** A promise that a test keeps open until it says so. */
export function hold<Value>(value: Value): { promise: Promise<Value>; release: () => void } {
  let resolve: ((value: Value) => void) | undefined;
  const promise = new Promise<Value>((done) => {
    resolve = done;
  });
  return {
    promise,
    release: () => {
      resolve?.(value);
    },
  };
}
