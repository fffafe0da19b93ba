import { parseInstant, type Instant } from "../instant.ts";
import type { RunState } from "./state.ts";

/** A run in one line of the fleet's history. */
export interface RunRecord {
  readonly run: string;
  readonly kind: string;
  readonly runbook: string | null;
  readonly cluster: string;
  readonly openedAt: Instant;
  /** null: it has not ended. */
  readonly endedAt: Instant | null;
  /** A run's result, or `cut-off` where it never said one. */
  readonly result: string;
  readonly exitCode: number | null;
  readonly message: string | null;
  /** Where and by whom it was opened; null in records of older versions. */
  readonly host: string | null;
  readonly user: string | null;
  readonly repository: string | null;
  /** The point that it took, restored or looked at. */
  readonly point: string | null;
  /** Of a backup: what was taken. */
  readonly backup: "base" | "dump" | null;
}

/** A run of this host as its journal tells it; null where its first line is missing. */
export function recordOf(state: RunState): RunRecord | null {
  const { header, outcome } = state;
  const openedAt = header === null ? null : parseInstant(header.openedAt);
  if (header === null || openedAt === null) return null;
  const { repository, point } = header.inputs;
  const taken = state.recorded["backup"];
  const made = taken !== null && typeof taken === "object" && "id" in taken ? taken["id"] : null;
  return {
    run: state.run,
    kind: header.kind,
    runbook: header.runbook.id,
    cluster: header.cluster,
    openedAt,
    endedAt: state.endedAt === null ? null : parseInstant(state.endedAt),
    result: outcome?.result ?? "cut-off",
    exitCode: outcome?.exitCode ?? null,
    message: outcome?.message ?? null,
    host: header.actor.host,
    user: header.actor.user,
    repository: typeof repository === "string" ? repository : null,
    point: typeof made === "string" ? made : typeof point === "string" ? point : null,
    backup: header.kind !== "backup" ? null : header.runbook.id === "dump" ? "dump" : "base",
  };
}

/** Runs of several sources, newest first, each once: what comes first of one run counts. */
export function mergeRecords(sources: readonly (readonly RunRecord[])[]): readonly RunRecord[] {
  const all = new Map<string, RunRecord>();
  for (const record of sources.flat()) if (!all.has(record.run)) all.set(record.run, record);
  return [...all.values()].sort((a, b) => (a.openedAt < b.openedAt ? 1 : a.openedAt > b.openedAt ? -1 : 0));
}

/** Whether a run reached what it was for. */
export function isGood({ result }: Pick<RunRecord, "result">): boolean {
  return result === "done" || result === "done-with-warnings";
}
