import type { Check } from "../check.ts";

const tested = new Set([15, 17, 18]);

/** Whether the server answers, and whether its version is one that is tested. */
export const check: Check = {
  id: "server",
  title: "The server answers",
  ask: async ({ server }) => {
    if (server.state === "unreachable") return { result: "fail", evidence: server.message, mend: server.next };
    const { identity } = server;
    const major = Math.floor(identity.version / 10_000);
    const evidence = `${identity.role} on ${identity.host}:${identity.port}, PostgreSQL ${major}.${identity.version % 10_000}, system ${identity.systemIdentifier}, timeline ${identity.timeline}`;
    if (major < 13)
      return {
        result: "fail",
        evidence,
        mend: "PostgreSQL before 13 can only be restored, not protected; upgrade it.",
      };
    return tested.has(major)
      ? { result: "pass", evidence }
      : {
          result: "warn",
          evidence: `${evidence}; untested with this major version`,
          mend: "Rehearse a recovery before you rely on it: `pgrescue verify --restore --to DIR`.",
        };
  },
};
