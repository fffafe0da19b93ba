import type { Progress } from "../../../ports/progress.ts";

/** How often progress is told, in milliseconds. */
const interval = 200;

/**
 * Runs `work` and yields what it last reported, a few times a second and once at its end. The work does not wait for the
 * reader; a reader that stops early, or `signal`, aborts it, and it has ended when the reader gets control back.
 */
export async function* reporting(
  signal: AbortSignal,
  work: (report: (progress: Progress) => void, signal: AbortSignal) => Promise<void>,
): AsyncGenerator<Progress> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const state: { latest: Progress | null; ended: boolean } = { latest: null, ended: false };
  const running = (async () => {
    both.throwIfAborted();
    await work((progress) => {
      state.latest = progress;
    }, both);
  })().finally(() => {
    state.ended = true;
  });
  try {
    for (let ended = false; !ended;) {
      await within(interval, running);
      ended = state.ended;
      const told = state.latest;
      state.latest = null;
      if (told !== null) yield told;
    }
    await running;
  } finally {
    stop.abort();
    await running.catch(() => undefined);
  }
}

async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const waited = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  // A failure is thrown by whoever awaits the work itself.
  await Promise.race([waited, work.catch(() => undefined)]);
  clearTimeout(timer);
}
