import { PgrescueError } from "../../domain/errors.ts";
import type { CivilDay } from "../../domain/civil.ts";
import { millisecondsOf, type Instant } from "../../domain/instant.ts";

/** The calendar day of a moment in a time zone of the IANA database. Throws `config` for an unknown zone. */
export function dayIn(timeZone: string): (at: Instant) => CivilDay {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en", { timeZone, year: "numeric", month: "numeric", day: "numeric" });
  } catch (error) {
    throw new PgrescueError("config", `${JSON.stringify(timeZone)} is not a time zone`, {
      next: "Write it like Europe/Berlin or Etc/UTC.",
      cause: error,
    });
  }
  return (at) => {
    const parts = new Map(format.formatToParts(millisecondsOf(at)).map(({ type, value }) => [type, Number(value)]));
    return { year: parts.get("year") ?? 0, month: parts.get("month") ?? 0, day: parts.get("day") ?? 0 };
  };
}
