/** Hands out the one session in the order it was asked for. */
export interface Turns {
  /** Resolves when it is the caller's turn, with the function that ends the turn (calling it again does nothing). */
  take(): Promise<() => void>;
}

export function createTurns(): Turns {
  let last: Promise<void> = Promise.resolve();
  return {
    async take() {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const mine = last;
      last = mine.then(() => promise);
      await mine;
      return () => {
        resolve(undefined);
      };
    },
  };
}
