export interface CleanupStack {
  /** Registers the undo of a step that has just succeeded. */
  add(undo: () => unknown): void;
  /**
   * Undoes everything, last step first; every undo runs even when others fail.
   *
   * @returns what the failing undos threw, so that the caller can warn without hiding its own first error.
   */
  run(): Promise<readonly unknown[]>;
}

/** A stack of undo steps for work that must leave no trace. */
export function createCleanupStack(): CleanupStack {
  const undos: (() => unknown)[] = [];
  return {
    add: (undo) => void undos.push(undo),
    run: async () => {
      const failures: unknown[] = [];
      for (let undo = undos.pop(); undo; undo = undos.pop()) {
        try {
          await undo();
        } catch (error) {
          failures.push(error);
        }
      }
      return failures;
    },
  };
}
