import type { StepStatus } from "../domain/run/state.ts";
import type { Finding } from "../domain/verdict.ts";

/** The words in brackets that carry a judgement without colour. All are six cells wide. */
export type Mark =
  | "[ OK ]"
  | "[WARN]"
  | "[FAIL]"
  | "[SKIP]"
  | "[ ?? ]"
  | "[....]"
  | "[done]"
  | "[run ]"
  | "[    ]"
  | "[cut ]"
  | "[undo]";

const findings = {
  pass: "[ OK ]",
  warn: "[WARN]",
  fail: "[FAIL]",
  skip: "[SKIP]",
  unknown: "[ ?? ]",
} as const satisfies Record<Finding, Mark>;

const statuses = {
  waiting: "[    ]",
  running: "[run ]",
  "cut-off": "[cut ]",
  done: "[done]",
  "already-done": "[done]",
  skipped: "[SKIP]",
  failed: "[FAIL]",
  undoing: "[undo]",
  undone: "[undo]",
} as const satisfies Record<StepStatus, Mark>;

const spoken = {
  pass: "OK",
  warn: "WARN",
  fail: "FAIL",
  skip: "SKIPPED",
  unknown: "UNKNOWN",
} as const satisfies Record<Finding, string>;

/** `[ OK ]`, `[WARN]`, ...; null (not asked yet) is `[....]`. */
export function findingMark(finding: Finding | null): Mark {
  return finding === null ? "[....]" : findings[finding];
}

/** `[done]`, `[run ]`, ... for a step. */
export function statusMark(status: StepStatus): Mark {
  return statuses[status];
}

/** The word for a screen reader: `OK`, `WARN`. */
export function findingWord(finding: Finding): string {
  return spoken[finding];
}
