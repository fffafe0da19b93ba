import type { Check } from "../check.ts";

/** Whether server, data directory and repository are one and the same database system. */
export const check: Check = {
  id: "right-host",
  title: "This is the right server",
  ask: async ({ server, directory, survey, cluster }) => {
    const here = server.state === "up" ? server.identity.systemIdentifier : null;
    const onDisk = directory?.control?.systemIdentifier ?? null;
    const mine = here ?? onDisk;
    if (here !== null && onDisk !== null && here !== onDisk) {
      return {
        result: "fail",
        evidence: `the server that answers is system ${here}, but ${directory?.path} holds ${onDisk}`,
        mend: "Correct `connection` or `dataDirectory`: they name different servers.",
      };
    }
    if (mine === null)
      return { result: "unknown", evidence: "neither the server nor its data directory can be asked who they are" };
    const stored = new Set((survey?.points ?? []).map((point) => point.systemIdentifier));
    if (stored.size === 0) return { result: "unknown", evidence: `system ${mine}; no backup to compare with` };
    if (stored.has(mine)) return { result: "pass", evidence: `system ${mine}, as in the repository` };
    return {
      result: "fail",
      evidence: `this is system ${mine}, but the backups of ${cluster} are of ${[...stored].join(", ")}`,
      mend: "Check host, data directory and --cluster before anything else: this may be the wrong machine.",
    };
  },
};
