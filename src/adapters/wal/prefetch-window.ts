import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { removeOwn } from "../system/remove.ts";
import { placeFile } from "./spool.ts";

export interface WindowOptions {
  /** Directory of ready segments. */
  readonly ready: string;
  /** How many segments are kept there at the most. */
  readonly ahead: number;
  /** How many are loaded at a time. */
  readonly parallel: number;
  /** The verified content in pieces; null when it cannot be had now, for whatever reason: the window never judges absence. */
  readonly load: (name: string) => Promise<readonly Uint8Array[] | null>;
  /** The segment that recovery asks for next. */
  readonly after: (name: string) => string | null;
}

/** What could not be had is tried again after this: a standby's next segment arrives at some time. */
const retryMilliseconds = 5000;

interface Slot {
  readonly name: string;
  state: "loading" | "ready" | "failed";
  settled: Promise<void>;
  failedAt: number;
}

/** A sliding window of ready segments ahead of a recovery. */
export interface PrefetchWindow {
  /** Recovery asked for this one: the window moves there. Resolves when it is ready (true) or cannot be had (false). */
  want(name: string): Promise<boolean>;
  /** Looks which segments were taken and fills up again; true when some were. */
  advance(): Promise<boolean>;
  /** Loads nothing more; resolves when nothing is written any more. With `empty`, ready segments are removed. */
  close(empty: boolean): Promise<void>;
}

/** Makes a window over an empty directory of ready segments. */
export function createWindow({ ready, ahead, parallel, load, after }: WindowOptions): PrefetchWindow {
  let slots: Slot[] = [];
  let last: string | null = null;
  let isClosed = false;

  const discard = (name: string): Promise<void> => removeOwn(join(ready, name), { within: dirname(ready) });

  const fetchInto = async (slot: Slot): Promise<void> => {
    try {
      const content = await load(slot.name);
      if (content !== null && !isClosed && slots.includes(slot)) {
        await placeFile(join(ready, slot.name), content);
        slot.state = "ready";
        if (!slots.includes(slot)) await discard(slot.name);
      } else {
        fail(slot);
      }
    } catch {
      fail(slot);
    }
    fill();
  };

  const fail = (slot: Slot): void => {
    slot.state = "failed";
    slot.failedAt = performance.now();
  };

  const begin = (name: string): Slot => {
    const slot: Slot = { name, state: "loading", settled: Promise.resolve(), failedAt: 0 };
    slots.push(slot);
    last = name;
    slot.settled = fetchInto(slot);
    return slot;
  };

  function fill(): void {
    for (let next = nextName(); next !== null; next = nextName()) begin(next);
  }

  function nextName(): string | null {
    if (isClosed || last === null || slots.length >= ahead || slots.at(-1)?.state === "failed") return null;
    return slots.filter((slot) => slot.state === "loading").length < parallel ? after(last) : null;
  }

  const retryFailed = (): void => {
    const now = performance.now();
    for (const slot of slots) {
      if (slot.state !== "failed" || now - slot.failedAt < retryMilliseconds) continue;
      slot.state = "loading";
      slot.settled = fetchInto(slot);
    }
  };

  const dropBefore = async (at: number): Promise<void> => {
    const stale = slots.slice(0, at);
    slots = slots.slice(at);
    for (const slot of stale) await discard(slot.name);
  };

  return {
    want: async (name) => {
      const at = slots.findIndex((slot) => slot.name === name && slot.state !== "failed");
      await dropBefore(at === -1 ? slots.length : at);
      const slot = at === -1 ? begin(name) : slots[0];
      fill();
      await slot?.settled;
      return slot?.state === "ready";
    },
    advance: async () => {
      const there = new Set(await readdir(ready));
      const taken = slots.findLastIndex((slot) => slot.state === "ready" && !there.has(slot.name));
      await dropBefore(taken + 1);
      retryFailed();
      fill();
      return taken !== -1;
    },
    close: async (empty) => {
      isClosed = true;
      await Promise.all(slots.map((slot) => slot.settled));
      if (empty) await dropBefore(slots.length);
    },
  };
}
