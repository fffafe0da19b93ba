import type { Json } from "./brand.ts";

/** One vocabulary for risk: steps, runbooks, screens, plans. */
export type Risk = "read" | "scratch" | "production" | "irreversible";
export type Phase = "assess" | "choose" | "execute" | "verify" | "resume";

/** A runbook as its YAML file says it (schema pgrescue.runbook/v1, published as schema/runbook.schema.json). */
export interface Runbook {
  readonly schema: "pgrescue.runbook/v1";
  /** kebab-case and stable: it is in records. */
  readonly id: string;
  readonly version: string;
  readonly title: string;
  readonly symptoms: readonly string[];
  readonly use_when: string;
  readonly not_for: string;
  readonly outcome: string;
  /** Names of plan inputs that the steps refer to as ${name}. */
  readonly inputs: readonly string[];
  readonly steps: readonly RunbookStep[];
}

export interface RunbookStep {
  readonly id: string;
  /** Imperative, at most 60 characters. */
  readonly title: string;
  readonly why: string;
  readonly trap?: string;
  readonly phase: Phase;
  readonly risk: Risk;
  /** Closed grammar over the plan's inputs and recorded facts; absent: always. */
  readonly when?: string;
  readonly do: { readonly builtin: string; readonly with?: { readonly [key: string]: Json } };
  /** What takes it back, in words; `none` must be said. */
  readonly undo: string;
  /** `type`: the operator types <cluster>@<host>. Default by risk: read and scratch none, otherwise type. */
  readonly confirm?: "none" | "type";
  /** What a failure does: `stop` (default) or `continue` (recorded, the run ends with warnings). */
  readonly on_failure?: "stop" | "continue";
}

/** A runbook together with where it came from: the record keeps version and hash. */
export interface LoadedRunbook {
  readonly runbook: Runbook;
  readonly sha256: string;
}
