import type { RecoveryWindow } from "./coverage.ts";
import type { Instant } from "./instant.ts";

/** A line of `width` characters from `from` to `until`: `=` every moment can be reached, `o` a backup ends there, `.` nothing. */
export function windowStrip(
  windows: readonly Pick<RecoveryWindow, "from" | "until">[],
  points: readonly Instant[],
  width: number,
): { readonly line: string; readonly from: Instant; readonly until: Instant } | null {
  const times = [...windows.flatMap((w) => [w.from.at, w.until.at ?? w.from.at]), ...points];
  const [first] = times;
  if (first === undefined) return null;
  const from = times.reduce((a, b) => (b < a ? b : a), first);
  const until = times.reduce((a, b) => (b > a ? b : a), first);
  const span = until - from;
  const column = (at: Instant): number => (span === 0n ? 0 : Number(((at - from) * BigInt(width - 1)) / span));
  const cells = Array.from({ length: span === 0n ? 1 : width }, () => ".");
  for (const window of windows) cells.fill("=", column(window.from.at), column(window.until.at ?? window.from.at) + 1);
  for (const at of points) cells[column(at)] = "o";
  return { line: cells.join(""), from, until };
}
