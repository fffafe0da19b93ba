import { formatDuration } from "../../domain/quantity.ts";
import { alterSystem, notAsked, type Check, type Answer } from "../check.ts";
import { settingNumber } from "./settings.ts";

/** Whether a quiet server hands its WAL over soon enough. */
export const check: Check = {
  id: "archive-timeout",
  title: "archive_timeout keeps the loss small",
  ask: async ({ server, objectives }) => {
    if (server.state !== "up") return notAsked(server);
    const seconds = await settingNumber(server.sql, "archive_timeout");
    return seconds === null
      ? { result: "unknown", evidence: "archive_timeout cannot be seen" }
      : judgeArchiveTimeout(seconds, objectives.rpo);
  },
};

/** Judges archive_timeout (seconds, 0 is off) against the recovery point objective (seconds). */
export function judgeArchiveTimeout(seconds: number, rpo: number | null): Answer {
  const proposed = rpo === null ? 60 : Math.max(1, Math.min(60, Math.floor(rpo / 2)));
  const change = alterSystem("archive_timeout", `${proposed}s`, "reload");
  if (seconds === 0) {
    const promise = rpo === null ? "" : `; the objective of ${formatDuration(rpo)} cannot hold`;
    return {
      result: rpo === null ? "warn" : "fail",
      evidence: `archive_timeout = 0: on a quiet server the last commits wait for a full segment, for hours${promise}`,
      ...change,
    };
  }
  if (rpo !== null && seconds >= rpo)
    return {
      result: "fail",
      evidence: `archive_timeout = ${seconds}s: the objective of ${formatDuration(rpo)} cannot hold`,
      ...change,
    };
  if (seconds > 300)
    return {
      result: "warn",
      evidence: `archive_timeout = ${seconds}s: that much can be lost with the disk`,
      ...change,
    };
  return { result: "pass", evidence: `archive_timeout = ${seconds}s` };
}
