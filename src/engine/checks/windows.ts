import { formatInstant } from "../../domain/instant.ts";
import { formatLsn } from "../../domain/lsn.ts";
import type { Check, Answer } from "../check.ts";

/** Whether stored WAL is unbroken: what lies behind a hole cannot be reached from before it. */
export const check: Check = {
  id: "windows",
  title: "Stored WAL is unbroken",
  ask: async ({ survey }) => {
    if (survey === null) return { result: "unknown", evidence: "no repository could be read" };
    const windows: Answer[] = survey.windows.map((window) => ({
      name: `${window.repository}:${window.timeline}`,
      result: "pass",
      evidence: `${window.repository}, timeline ${window.timeline}: from ${formatInstant(window.from.at).slice(0, 19)}Z to ${window.until.at === null ? formatLsn(window.until.lsn) : `${formatInstant(window.until.at).slice(0, 19)}Z`}`,
    }));
    const holes: Answer[] = survey.holes.map((hole) => ({
      name: `${hole.repository}:${hole.fromSegment}`,
      result: "warn",
      evidence: `${hole.repository}: ${hole.fromSegment === hole.toSegment ? `segment ${hole.fromSegment} is missing` : `segments ${hole.fromSegment} to ${hole.toSegment} are missing`}`,
      mend: "Copy them from another repository or from pg_wal while they are still there; a fresh base backup begins a new window.",
    }));
    const said = survey.warnings.map((warning): Answer => ({ name: "warning", result: "warn", evidence: warning }));
    const all = [...windows, ...holes, ...said];
    return all.length > 0
      ? all
      : {
          result: "fail",
          evidence: "no moment can be reached: there is no backup with its WAL",
          mend: "Take a backup: `pgrescue backup`.",
        };
  },
};
