import type { Brand } from "./brand.ts";
import { civilFromDays, daysFromCivil, isCivilDay } from "./civil.ts";
import { PgrescueError } from "./errors.ts";

/** A moment in UTC, in microseconds since 1970-01-01: PostgreSQL's own resolution, which `Date` would truncate. */
export type Instant = Brand<bigint, "Instant">;

/** Microseconds between the Unix epoch and PostgreSQL's (2000-01-01 UTC). */
const postgresEpoch = 946_684_800_000_000n;
const minuteLong = 60_000_000n;
const dayLong = 86_400_000_000n;

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
  return Number((at - (((at % 1000n) + 1000n) % 1000n)) / 1000n);
}

const iso =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|UTC|[+-]\d{2}(?::?\d{2})?)$/i;

/**
 * Reads ISO 8601 with a mandatory offset (`2026-11-20T02:51:07.482+00`, `... Z`, `... UTC`).
 * Returns null for anything else, a naive time included: an offset is never guessed.
 */
export function parseInstant(text: string): Instant | null {
  const m = iso.exec(text.trim());
  if (m === null) return null;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", zone = ""] = m;
  const civil = { year: Number(year), month: Number(month), day: Number(day) };
  if (!isCivilDay(civil) || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return null;
  const seconds =
    BigInt(daysFromCivil(civil)) * 86_400n + BigInt(Number(hour) * 3600 + Number(minute) * 60 + Number(second));
  const micro = BigInt(fraction.padEnd(6, "0").slice(0, 6));
  return (seconds * 1_000_000n + micro - offsetMinutes(zone) * minuteLong) as Instant;
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
  const { day, time } = splitUtc(at);
  const micro = String(time % 1_000_000n).padStart(6, "0");
  return `${String(day.year).padStart(4, "0")}-${two(day.month)}-${two(day.day)}T${clock(time)}.${micro}Z`;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** For people: `Nov 20 02:51:07`, in UTC. */
export function shortInstant(at: Instant): string {
  const { day, time } = splitUtc(at);
  return `${months[day.month - 1] ?? "?"} ${two(day.day)} ${clock(time)}`;
}

/** The calendar day in UTC and the microseconds since its midnight. */
export function splitUtc(at: Instant): {
  readonly day: ReturnType<typeof civilFromDays>;
  readonly time: bigint;
} {
  const time = ((at % dayLong) + dayLong) % dayLong;
  return { day: civilFromDays(Number((at - time) / dayLong)), time };
}

function clock(time: bigint): string {
  const seconds = Number(time / 1_000_000n);
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
