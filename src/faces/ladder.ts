import type { RunState } from "../domain/run/state.ts";
import { gravest, type Finding, type Rung, type Verdict } from "../domain/verdict.ts";

/** The rungs, lowest first. */
const rungs: readonly Rung[] = ["bytes", "starts", "structure", "sense", "behaviour", "comparison"];

export interface RungView {
  readonly rung: Rung;
  /** 1 to 6. */
  readonly number: number;
  readonly verdicts: readonly Verdict[];
  /** null: no check of this rung has answered. */
  readonly result: Finding | null;
}

/** Every rung with what was found on it. A rung without an answer is shown, never left out. */
export function ladder(state: RunState): readonly RungView[] {
  return rungs.map((rung, i) => {
    const verdicts = state.verdicts.map((v) => v.verdict).filter((v) => v.rung === rung);
    return {
      rung,
      number: i + 1,
      verdicts,
      result: verdicts.length === 0 ? null : gravest(verdicts),
    };
  });
}

/** What verification came to, with the reason: a check that did not run is not a pass. */
export function verification(state: RunState): {
  readonly result: Finding;
  readonly words: string;
  readonly why: string;
} {
  const all = ladder(state);
  const failed = all.flatMap((r) => r.verdicts).filter((v) => v.result === "fail");
  if (failed.length > 0)
    return {
      result: "fail",
      words: "NOT RECOVERED: DO NOT OPEN IT TO THE APPLICATION",
      why: failed.map((v) => v.title).join(", "),
    };
  const answered = all.filter((r) => r.result !== null);
  if (answered.length === 0) return { result: "unknown", words: "NOTHING VERIFIED YET", why: "no check has answered" };
  const open = all.filter((r) => r.result === null || r.result === "skip" || r.result === "unknown");
  if (open.length === 0) return { result: "pass", words: "RECOVERED AND VERIFIED", why: "every rung passed" };
  return {
    result: "unknown",
    words: "RECOVERED, NOT FULLY VERIFIED",
    why: `${open.map((r) => `rung ${r.number} ${r.rung}`).join(", ")} did not run or could not decide`,
  };
}

/** Verdicts that stand on no rung: preflight checks, warnings about sequences, unlogged tables and the like. */
export function besideLadder(state: RunState): readonly Verdict[] {
  return state.verdicts.map((v) => v.verdict).filter((v) => v.rung === undefined);
}
