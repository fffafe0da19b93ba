import { millisecondsOf, shortInstant, type Instant, instant } from "../domain/instant.ts";

/** Which clock people read: UTC first, `t` toggles. */
export type Zone = "utc" | "local";

const day = 86_400_000_000n;

/** `03:14:22` in the zone. */
export function clockTime(at: Instant, zone: Zone): string {
  return shifted(at, zone).slice(7);
}

/** `03:14` in the zone. */
export function clockMinute(at: Instant, zone: Zone): string {
  return clockTime(at, zone).slice(0, 5);
}

/** `Nov 20 03:14:22` in the zone. */
export function dateTime(at: Instant, zone: Zone): string {
  return shifted(at, zone);
}

/** The short form: the clock on the same calendar day, otherwise the date and the minute. */
export function whenSeen(at: Instant, now: Instant, zone: Zone): string {
  const isToday = now - at < day && shifted(at, zone).slice(0, 6) === shifted(now, zone).slice(0, 6);
  return isToday ? clockTime(at, zone) : shifted(at, zone).slice(0, 12);
}

/** `2h14m`, `6 d`, `41 s`: how long ago, never negative. */
export function elapsed(from: Instant, to: Instant): string {
  return span(Number((to - from) / 1000n));
}

/** `41 s`, `12m40`, `2h14m`, `6 d` for milliseconds. */
export function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h${two(Math.floor(seconds / 60) % 60)}m`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** `T+02:08`: minutes and seconds since the run was opened, with hours from one hour on. */
export function sinceOpened(from: Instant, now: Instant): string {
  const seconds = Math.max(0, Number((now - from) / 1_000_000n));
  const clock = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return seconds < 3600 ? `T+${clock}` : `T+${Math.floor(seconds / 3600)}:${clock}`;
}

/** `UTC` or the local zone's offset, `+01:00`. */
export function zoneName(at: Instant, zone: Zone): string {
  if (zone === "utc") return "UTC";
  const minutes = offsetMinutes(at);
  const absolute = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(absolute / 60))}:${two(absolute % 60)}`;
}

function shifted(at: Instant, zone: Zone): string {
  return shortInstant(zone === "utc" ? at : instant(at + BigInt(offsetMinutes(at)) * 60_000_000n));
}

function offsetMinutes(at: Instant): number {
  return -new Date(millisecondsOf(at)).getTimezoneOffset();
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
