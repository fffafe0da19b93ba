import { spawnSync } from "node:child_process";
import type { Measured } from "./measure.ts";

/** One side of a comparison. `prepare` is not measured. */
export interface Side {
  prepare?(round: number): Promise<void>;
  run(round: number): Promise<Measured>;
}

export interface Comparison {
  readonly id: string;
  readonly what: string;
  /** What the peer is, in words. */
  readonly peerName: string;
  readonly rounds: number;
  /** Ours may cost this many times the peer's. */
  readonly goal: number;
  readonly ours: Side;
  readonly peer: Side;
}

/** A line of the result. Seconds and memory are medians and maxima over all rounds. */
export interface Row {
  readonly id: string;
  readonly what: string;
  readonly unit: "seconds" | "bytes";
  readonly ours: number;
  /** null: there is no peer, the goal is absolute. */
  readonly peer: number | null;
  readonly peerName: string;
  /** A ratio where there is a peer, else in the row's unit. */
  readonly goal: number;
  readonly met: boolean;
  readonly note: string;
}

/** Runs both sides in turns, the order changing every round, with the disk at rest before each. */
export async function compare(comparison: Comparison): Promise<readonly Row[]> {
  const { id, what, peerName, goal, ours, peer, rounds } = comparison;
  const results = { ours: [] as Measured[], peer: [] as Measured[] };
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? (["peer", "ours"] as const) : (["ours", "peer"] as const);
    for (const name of order) {
      const side = name === "ours" ? ours : peer;
      await side.prepare?.(round);
      spawnSync("sync");
      results[name].push(await side.run(round));
    }
  }
  const [mine, theirs] = [summary(results.ours), summary(results.peer)];
  const time: Row = {
    id,
    what,
    unit: "seconds",
    ours: mine.seconds,
    peer: theirs.seconds,
    peerName,
    goal,
    met: mine.seconds <= goal * theirs.seconds,
    note: mine.cpu === 0 ? "" : `CPU ${mine.cpu.toFixed(1)} s, theirs ${theirs.cpu.toFixed(1)} s`,
  };
  return mine.peak === 0 ? [time] : [time, memoryRow(id, what, mine.peak)];
}

/** Memory has one goal whatever is done. */
export const mostMemory = 250 * 1024 * 1024;

/** A row about the largest of our processes. */
export function memoryRow(id: string, what: string, peak: number): Row {
  const goal = mostMemory;
  return {
    id: `${id}-memory`,
    what: `${what}: memory`,
    unit: "bytes",
    ours: peak,
    peer: null,
    peerName: "",
    goal,
    met: peak < goal,
    note: "VmHWM of the largest process",
  };
}

function summary(all: readonly Measured[]): Measured {
  return {
    seconds: median(all.map((m) => m.seconds)),
    cpu: median(all.map((m) => m.cpu)),
    peak: Math.max(...all.map((m) => m.peak)),
  };
}

/** The middle one of the sorted values, the upper one of two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
