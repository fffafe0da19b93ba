import type { PlanRefusal } from "../refusal.ts";
import { isWithin } from "./is-within.ts";
import type { MethodFacts } from "./method.ts";

/** Every tablespace of the point by oid: where the operator said (by oid, name or old location), else where `otherwise` says. */
export function mapTablespaces(
  { point, tablespaces }: MethodFacts,
  otherwise: (oid: number, location: string) => string,
): { readonly [oid: string]: string } {
  return Object.fromEntries(
    point.tablespaces.map(({ oid, name, location }) => {
      const said = [String(oid), name, location].find((key) => Object.hasOwn(tablespaces, key));
      return [
        String(oid),
        said === undefined ? otherwise(oid, location) : (tablespaces[said] ?? otherwise(oid, location)),
      ];
    }),
  );
}

/** Refuses what the operator said of tablespaces where it names none, or a place where production's files are. */
export function refuseTablespaces(
  { point, tablespaces, production }: MethodFacts,
  dataDirectory: string,
): PlanRefusal | null {
  for (const [key, to] of Object.entries(tablespaces)) {
    if (!point.tablespaces.some((t) => String(t.oid) === key || t.name === key || t.location === key)) {
      const known = point.tablespaces.map((t) => t.name).join(", ");
      return unfit(
        `the backup has no tablespace ${key}`,
        known === "" ? "It has none at all; leave --tablespace out." : `It has ${known}.`,
      );
    }
    if (!to.startsWith("/"))
      return unfit(`${JSON.stringify(to)} is not an absolute path`, "Write --tablespace OLD=/an/absolute/directory.");
    const taken = [production.dataDirectory, ...point.tablespaces.map((t) => t.location)].find(
      (place) => place !== null && (isWithin(to, place) || isWithin(place, to)),
    );
    if (taken !== undefined && taken !== null)
      return unfit(
        `${to} lies within production's ${taken}`,
        "Writes to the restored server would change production; choose another directory.",
      );
    if (isWithin(to, dataDirectory) || isWithin(dataDirectory, to))
      return unfit(`${to} and the data directory lie within each other`, "Choose a directory beside it.");
  }
  return null;
}

function unfit(message: string, next: string): PlanRefusal {
  return { refusal: "unfit-method", message, next };
}
