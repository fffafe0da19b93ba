import type { Json } from "../brand.ts";
import type { PlannedStep } from "../plan.ts";
import type { Question } from "../question.ts";
import type { Verdict } from "../verdict.ts";

/** Who did it: kept with every decision. */
export interface Actor {
  readonly user: string;
  readonly host: string;
  readonly pid: number;
  readonly tty?: string;
  readonly ssh?: string;
}

/** What runs are for. */
export const runKinds = ["recovery", "backup", "verify", "drill", "expiry", "copy"] as const;
export type RunKind = (typeof runKinds)[number];

export type RunResult = "done" | "done-with-warnings" | "failed" | "paused" | "aborted" | "declined";

/** How a run ended, for now (`paused`, `failed`: continue goes on) or for good. */
export interface Outcome {
  readonly result: RunResult;
  readonly exitCode: number;
  readonly message: string;
  /** The error's code in domain/errors.ts where there was one. */
  readonly code?: string;
  readonly means?: string;
  readonly next?: string;
}

/** What happens in a run, said once: the same value is the journal line, the JSON line and the UI action. */
export type RunFact =
  | {
      readonly event: "opened";
      readonly kind: RunKind;
      readonly cluster: string;
      readonly runbook: { readonly id: string; readonly version: string; readonly sha256: string };
      readonly inputs: { readonly [key: string]: Json };
      readonly actor: Actor;
      readonly version: string;
    }
  | { readonly event: "planned"; readonly steps: readonly PlannedStep[] }
  | { readonly event: "started"; readonly pid: number; readonly attempt: number }
  | {
      readonly event: "step-started";
      readonly step: string;
      readonly describe: string;
      readonly found: "absent" | "partial";
    }
  | {
      readonly event: "step-finished";
      readonly step: string;
      readonly result: "done" | "already-done" | "skipped" | "failed";
      readonly reason?: string;
      readonly milliseconds: number;
    }
  | { readonly event: "undo-started"; readonly step: string; readonly describe: string }
  | { readonly event: "step-undone"; readonly step: string }
  | {
      readonly event: "command-started";
      readonly step: string;
      readonly argv: readonly string[];
      readonly as?: string;
    }
  | {
      readonly event: "command-finished";
      readonly step: string;
      readonly argv: readonly string[];
      readonly exit: number | null;
      readonly signal?: string;
      readonly milliseconds: number;
      readonly tail?: readonly string[];
    }
  | {
      readonly event: "recorded";
      readonly step: string;
      readonly name: string;
      readonly value: Json;
    }
  | { readonly event: "verdict"; readonly step: string; readonly verdict: Verdict }
  | {
      readonly event: "log";
      readonly step: string;
      readonly level: "info" | "warn";
      readonly text: string;
    }
  | { readonly event: "asked"; readonly step: string; readonly question: Question }
  | {
      readonly event: "answered";
      readonly question: string;
      readonly value: string;
      readonly by: Actor;
    }
  | { readonly event: "note"; readonly text: string; readonly by: Actor }
  | { readonly event: "pause-requested"; readonly by: Actor }
  | { readonly event: "abort-requested"; readonly by: Actor }
  /** The journal's last line had been cut off by a crash and was removed; `found` says so in words. */
  | { readonly event: "repaired"; readonly found: string; readonly bytes: number }
  | { readonly event: "ended"; readonly outcome: Outcome };

/** Published to whoever watches, never written to the journal. */
export interface ProgressTick {
  readonly event: "progress";
  readonly step: string;
  readonly done: number;
  /** null: not known. Only a finished step shows 100 %. */
  readonly total: number | null;
  readonly unit: "bytes" | "segments" | "files" | "checks";
  /** What is being done or waited for, in a few words. */
  readonly doing: string;
  /** Where replay is, where that is what happens. */
  readonly lsn?: string;
  readonly time?: string;
}

/** The line around a fact: version, order, chain, time. `prev` is the SHA-256 of the previous line's bytes, "" for the first. */
export interface Envelope {
  readonly schema: "pgrescue.event/v1";
  readonly run: string;
  readonly seq: number;
  readonly at: string;
  readonly prev: string;
}

export type JournalEvent = Envelope & RunFact;
/** seq of a tick is that of the last journaled event. */
export type RunEvent = JournalEvent | (Omit<Envelope, "prev"> & ProgressTick);
