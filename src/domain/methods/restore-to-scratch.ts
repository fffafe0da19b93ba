import { estimateRecovery } from "../estimate.ts";
import type { PlanRefusal } from "../refusal.ts";
import { isWithin } from "./is-within.ts";
import type { MethodFacts, Placement, RecoveryMethod } from "./method.ts";
import { mapTablespaces, refuseTablespaces } from "./tablespaces.ts";

/** Point-in-time recovery into another directory and port: production is left alone. The default. */
export const method: RecoveryMethod = {
  id: "restore-to-scratch",
  runbook: "restore-to-scratch",
  title: "restore to scratch",
  refuse: refuseScratch,
  place: placeScratch,
  estimate: (facts) => estimateRecovery(facts, false),
};

/** Why a directory does not serve as scratch; null: it does. */
export function refuseScratch(facts: MethodFacts): PlanRefusal | null {
  const { destination, production } = facts;
  const to = destination.dataDirectory;
  if (to === null)
    return unfit(
      "it is not said where to restore to",
      "Name an empty directory with --to, or set scratch.directory in the configuration.",
    );
  if (!to.startsWith("/") || /[\n\r\0]/.test(to))
    return unfit(`${JSON.stringify(to)} is not an absolute path`, "Name an absolute directory with --to.");
  const places = [production.dataDirectory, ...facts.point.tablespaces.map((t) => t.location)].filter(
    (p) => p !== null,
  );
  const inside = places.find((place) => isWithin(to, place) || isWithin(place, to));
  if (inside !== undefined && (inside !== production.dataDirectory || production.isRunning || to !== inside)) {
    return unfit(`${to} and production's ${inside} lie within each other`, "Choose a directory of its own with --to.");
  }
  if (inside !== undefined)
    return unfit(
      `${to} is production's own directory`,
      "Use --method rewind-in-place to recover in production's place.",
    );
  return refuseTablespaces(facts, to);
}

/** Tablespaces lie beside the directory unless the operator says otherwise. */
export function placeScratch(facts: MethodFacts): Placement {
  const dataDirectory = facts.destination.dataDirectory ?? "";
  return {
    dataDirectory,
    port: facts.destination.port,
    socketDirectory: facts.destination.socketDirectory ?? `${dataDirectory}/pgrescue-socket`,
    tablespaces: mapTablespaces(facts, (oid) => `${dataDirectory}.tablespaces/${oid}`),
    // Only read: the last commits may be nowhere else yet.
    savedWal: facts.production.walDirectory ?? null,
    asideDirectory: null,
    confirm: `${facts.cluster}@${facts.host}`,
  };
}

function unfit(message: string, next: string): PlanRefusal {
  return { refusal: "unfit-method", message, next };
}
