import type { Brand } from "./brand.ts";
import { PgrescueError } from "./errors.ts";

/** A moment in UTC, in microseconds since 1970-01-01: PostgreSQL's own resolution, which `Date` would truncate. */
export type Instant = Brand<bigint, "Instant">;

/** Microseconds between the Unix epoch and PostgreSQL's (2000-01-01 UTC). */
const postgresEpoch = 946_684_800_000_000n;

/** The instant `microseconds` after the Unix epoch. */
export function instant(microseconds: bigint): Instant {
  return microseconds as Instant;
}

/** PostgreSQL's TimestampTz (microseconds since 2000-01-01) as an instant. */
export function instantFromPostgres(timestamp: bigint): Instant {
  return (timestamp + postgresEpoch) as Instant;
}

/** Milliseconds since the Unix epoch (as a clock reads) as an instant. */
export function instantFromMilliseconds(milliseconds: number): Instant {
  return (BigInt(Math.round(milliseconds)) * 1000n) as Instant;
}

/** Milliseconds since the Unix epoch, rounded down. */
export function millisecondsOf(at: Instant): number {
  return Number((at - ((at % 1000n) + 1000n) % 1000n) / 1000n);
}

const iso = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|UTC|[+-]\d{2}(?::?\d{2})?)$/i;

/**
 * Reads ISO 8601 with a mandatory offset (`2026-11-20T02:51:07.482+00`, `... Z`, `... UTC`).
 * Returns null for anything else, a naive time included: an offset is never guessed.
 */
export function parseInstant(text: string): Instant | null {
  const m = iso.exec(text.trim());
  if (m === null) return null;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", zone = ""] = m;
  const ms = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  const back = new Date(ms);
  if (back.getUTCDate() !== Number(day) || back.getUTCMonth() !== Number(month) - 1) return null;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return null;
  const micro = BigInt(fraction.padEnd(6, "0").slice(0, 6));
  return (BigInt(ms) * 1000n + micro - offsetMinutes(zone) * 60_000_000n) as Instant;
}

function offsetMinutes(zone: string): bigint {
  if (/^(z|utc)$/i.test(zone)) return 0n;
  const m = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone);
  if (m === null) throw new PgrescueError("bug", `offset ${zone} passed the pattern but cannot be read`);
  const minutes = BigInt(Number(m[2]) * 60 + Number(m[3] ?? "0"));
  return m[1] === "-" ? -minutes : minutes;
}

/** ISO 8601 in UTC with microseconds: `2026-11-20T02:51:07.482000Z`. The form of every JSON document. */
export function formatInstant(at: Instant): string {
  const ms = millisecondsOf(at);
  const micro = ((at % 1000n) + 1000n) % 1000n;
  return new Date(ms).toISOString().replace("Z", `${String(micro).padStart(3, "0")}Z`);
}

/** For people: `Nov 20 02:51:07`, in UTC. */
export function shortInstant(at: Instant): string {
  const text = new Date(millisecondsOf(at)).toUTCString();
  return `${text.slice(8, 11)} ${text.slice(5, 7)} ${text.slice(17, 25)}`;
}
