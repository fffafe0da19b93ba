import type { BackupSignal } from "../../../ports/backup-source.ts";
import type { Progress } from "../../../ports/progress.ts";
import type { Report } from "./taking.ts";

/** Progress is passed on at most this often, in milliseconds. */
const interval = 200;

/** What may be said on the way, by backups and dumps alike. */
type Said = Exclude<BackupSignal, { signal: "finished" }>;

/**
 * Runs `work` and yields what it reports while it runs: every verdict and line, the newest progress. The work never waits
 * for its reader. When the reader stops, the work's signal aborts and its end is awaited.
 */
export async function* pump<T>(
  outer: AbortSignal,
  work: (report: Report, signal: AbortSignal) => Promise<T>,
): AsyncGenerator<Said, T> {
  const own = new AbortController();
  const queue: Said[] = [];
  let progress: Progress | null = null;
  let wake = Promise.withResolvers<void>();
  const push = (signal: Said): void => {
    queue.push(signal);
    wake.resolve();
  };
  const report: Report = {
    progress: (p) => {
      progress = p;
    },
    verdict: (verdict) => push({ signal: "verdict", verdict }),
    log: (level, text) => push({ signal: "log", level, text }),
  };
  const timer = setInterval(() => wake.resolve(), interval);
  const state = { ended: false };
  const working = work(report, AbortSignal.any([outer, own.signal])).finally(() => {
    state.ended = true;
    wake.resolve();
  });
  working.catch(() => undefined);
  const takeProgress = (): Progress | null => {
    const taken = progress;
    progress = null;
    return taken;
  };
  try {
    while (!state.ended || queue.length > 0) {
      await wake.promise;
      wake = Promise.withResolvers<void>();
      yield* queue.splice(0);
      const now = takeProgress();
      if (now !== null) yield { signal: "progress", ...now };
    }
    return await working;
  } finally {
    clearInterval(timer);
    own.abort();
    await working.catch(() => undefined);
  }
}
