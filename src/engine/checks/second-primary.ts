import type { Check } from "../check.ts";

/** Whether somebody else went on with this database: a newer timeline in the archive than this server is on. */
export const check: Check = {
  id: "second-primary",
  title: "No second primary",
  ask: async ({ server, directory, survey }) => {
    const mine = server.state === "up" ? server.identity.timeline : (directory?.control?.timeline ?? null);
    const id =
      server.state === "up" ? server.identity.systemIdentifier : (directory?.control?.systemIdentifier ?? null);
    if (mine === null || survey === null)
      return { result: "unknown", evidence: "the timelines of server and repository cannot be compared" };
    const stored = [
      ...survey.points.filter((p) => p.systemIdentifier === id),
      ...survey.windows.filter((w) => w.systemIdentifier === id),
    ].map((one) => one.timeline);
    const newest = Math.max(0, ...stored);
    if (newest <= mine)
      return {
        result: "pass",
        evidence: `this server is on timeline ${mine}, the newest that is stored is ${newest === 0 ? "none" : newest}`,
      };
    return {
      result: "warn",
      evidence: `timeline ${newest} is stored, but this server is on ${mine}: a standby was promoted, or a recovery went before`,
      mend:
        "Find out who writes timeline " +
        `${newest} before you start or rewind this server: two primaries would diverge.`,
    };
  },
};
