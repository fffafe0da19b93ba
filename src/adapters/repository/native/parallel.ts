/** Runs `work` over items, `width` at a time. After a failure nothing new begins; rejects once all has settled. */
export async function inParallel<T>(
  items: Iterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failed = false;
  const worker = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true && !failed; next = iterator.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: width }, worker));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

/** Places for tasks: `run` waits for a free one and then does not wait for the task. */
export interface Slots {
  /** Rejects with the first failure of an earlier task. */
  run(task: () => Promise<void>): Promise<void>;
  /** Resolves when everything that was started before this call has ended; rejects with the first failure. */
  idle(): Promise<void>;
  /** Resolves when nothing runs any more, whatever came of it. */
  settled(): Promise<void>;
}

/** At most `width` tasks at the same time. */
export function slots(width: number): Slots {
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | null = null;

  function check(): void {
    if (failure !== null) throw failure.error;
  }

  return {
    run: async (task) => {
      while (running.size >= width) await Promise.race(running);
      check();
      const tracked: Promise<void> = task()
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => running.delete(tracked));
      running.add(tracked);
    },
    idle: async () => {
      await Promise.all(running);
      check();
    },
    settled: async () => {
      await Promise.all(running);
    },
  };
}
