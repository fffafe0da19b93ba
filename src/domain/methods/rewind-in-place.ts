import { estimateRecovery } from "../estimate.ts";
import { splitUtc, type Instant } from "../instant.ts";
import type { RecoveryMethod } from "./method.ts";
import { mapTablespaces } from "./tablespaces.ts";

/** Point-in-time recovery where production was; the old directories are moved aside and can be swapped back. */
export const method: RecoveryMethod = {
  id: "rewind-in-place",
  runbook: "rewind-in-place",
  title: "rewind in place",
  refuse({ production, tablespaces }) {
    if (production.dataDirectory === null) {
      return {
        refusal: "unfit-method",
        message: "it is not known where production's data directory is",
        next: "Set clusters.<name>.dataDirectory in the configuration, or name it with --to.",
      };
    }
    const bad = Object.values(tablespaces).find((to) => !to.startsWith("/"));
    return bad === undefined
      ? null
      : {
          refusal: "unfit-method",
          message: `${JSON.stringify(bad)} is not an absolute path`,
          next: "Write --tablespace OLD=/an/absolute/directory.",
        };
  },
  place(facts) {
    const { production } = facts;
    const dataDirectory = production.dataDirectory ?? "";
    const stamp = stampOf(facts.now);
    return {
      dataDirectory,
      port: production.port,
      socketDirectory: production.socketDirectory,
      tablespaces: mapTablespaces(facts, (_oid, location) => location),
      savedWal: `${dataDirectory}.wal-${stamp}`,
      asideDirectory: `${dataDirectory}.old-${stamp}`,
      confirm: `${facts.cluster}@${facts.host}`,
    };
  },
  estimate: (facts) => estimateRecovery(facts, true),
};

/** `20261120T025107Z`, for names. */
function stampOf(at: Instant): string {
  const { day, time } = splitUtc(at);
  const seconds = Number(time / 1_000_000n);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${day.year}${two(day.month)}${two(day.day)}T${two(Math.floor(seconds / 3600))}${two(Math.floor(seconds / 60) % 60)}${two(seconds % 60)}Z`;
}
