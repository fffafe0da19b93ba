import type { Instant } from "../../domain/instant.ts";
import type { HoleView, WindowView } from "../console-views.ts";

export interface StripInput {
  readonly from: Instant;
  readonly until: Instant;
  readonly windows: readonly WindowView[];
  readonly holes: readonly HoleView[];
  /** Marks on the strip: `B` a base backup, `b` an incremental one, `d` a dump. */
  readonly marks: readonly { readonly at: Instant; readonly sign: string }[];
  /** The chosen moment; null: none. */
  readonly chosen: Instant | null;
}

/** Time from left to right in `width` cells: `B━━━━b━━╳╳━━B━━┿━`. Reachable `━`, missing `╳`, nothing ` `. */
export function strip(input: StripInput, width: number): string {
  const line = Array.from({ length: width }, () => " ");
  const total = input.until - input.from;
  const cell = (at: Instant): number => {
    if (total <= 0n) return 0;
    const place = Number(((at - input.from) * BigInt(width - 1)) / total);
    return Math.max(0, Math.min(width - 1, place));
  };
  const fill = (from: Instant, until: Instant, sign: string): void => {
    for (let i = cell(from); i <= cell(until); i++) line[i] = sign;
  };
  for (const w of input.windows) fill(w.from, w.until ?? w.from, "━");
  for (const h of input.holes) if (h.from !== null && h.until !== null) fill(h.from, h.until, "╳");
  for (const mark of input.marks) line[cell(mark.at)] = mark.sign;
  if (input.chosen !== null) line[cell(input.chosen)] = "┿";
  return line.join("");
}
