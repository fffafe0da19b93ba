import type { RecoveryPoint } from "./recovery-point.ts";

/** How many earlier backups tell what is usual. */
const mostCompared = 10;
/** So many must be there to tell anything. */
const leastCompared = 3;

/** How a backup's size compares with that of earlier ones of its kind, in the same repository. */
export interface SizeJudgement {
  readonly result: "usual" | "small" | "empty" | "unknown";
  readonly bytes: number;
  /** The median of the earlier ones; null where there are too few. */
  readonly median: number | null;
}

/**
 * Judges a backup by those before it: nothing in it, or less than half the median, is what a backup looks like that
 * succeeded without doing its work. Dumps are compared with those of the same databases.
 */
export function judgeSize(point: RecoveryPoint, points: readonly RecoveryPoint[]): SizeJudgement {
  const { bytes } = point;
  if (bytes === 0 && point.storedBytes === 0) return { result: "empty", bytes, median: null };
  const alike = points
    .filter(
      (p) =>
        p.status === "ok" &&
        p.kind === point.kind &&
        p.repository === point.repository &&
        p.finishedAt < point.finishedAt &&
        databasesOf(p) === databasesOf(point),
    )
    .toSorted((a, b) => (a.finishedAt < b.finishedAt ? 1 : -1))
    .slice(0, mostCompared)
    .map((p) => p.bytes)
    .toSorted((a, b) => a - b);
  const median = alike.length < leastCompared ? null : (alike[Math.floor(alike.length / 2)] ?? null);
  if (median === null) return { result: "unknown", bytes, median };
  return { result: bytes < median / 2 ? "small" : "usual", bytes, median };
}

function databasesOf({ databases }: RecoveryPoint): string {
  return [...(databases ?? [])].sort((a, b) => (a < b ? -1 : 1)).join("\n");
}
