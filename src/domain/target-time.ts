import { isCivilDay } from "./civil.ts";
import { instant, parseInstant, splitUtc, type Instant } from "./instant.ts";

/** A time that was understood, or what is wrong with it and what to write instead (a full sentence). */
export type TimeReading = { readonly at: Instant } | { readonly problem: string; readonly hint: string };

const second = 1_000_000n;
const units: readonly (readonly [RegExp, bigint])[] = [
  [/^(?:s|secs?|seconds?)$/, second],
  [/^(?:m|mins?|minutes?)$/, 60n * second],
  [/^(?:h|hrs?|hours?)$/, 3600n * second],
  [/^(?:d|days?)$/, 86_400n * second],
  [/^(?:w|weeks?)$/, 604_800n * second],
];

const day = 86_400n * second;
const zonePattern = "(z|utc|gmt|[+-]\\d{1,2}(?::?\\d{2})?)";
const clockTime = new RegExp(
  `^(?:(today|yesterday)\\s+)?(\\d{1,2}):(\\d{2})(?::(\\d{2})(?:[.,](\\d{1,6}))?)?(?:\\s*${zonePattern})?$`,
);
const naive = /^\d{4}-\d{2}-\d{2}(?:[t ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)?$/;

/**
 * Reads a target time: ISO 8601 with an offset, `10 minutes ago`, `2h30m ago`, `yesterday 14:30 +02:00`, `today 02:51Z`,
 * `14:30 UTC` (the last time it was so), `now`. A time of day without an offset is refused, never guessed;
 * `zoneOffsetMinutes`, the operator's own zone, only helps the hint.
 */
export function parseTargetTime(text: string, now: Instant, zoneOffsetMinutes = 0): TimeReading {
  const words = text.trim().toLowerCase().replace(/\s+/g, " ");
  const absolute = parseInstant(text);
  if (absolute !== null) return { at: absolute };
  if (words === "now") return { at: now };
  const ago = /^(.+?) ago$/.exec(words);
  if (ago !== null) return beforeNow(ago[1] ?? "", text, now);
  const clock = clockTime.exec(words);
  if (clock !== null) return onDay(clock, text, now, zoneOffsetMinutes);
  if (naive.test(words)) return withoutOffset(text, zoneOffsetMinutes);
  return {
    problem: `${JSON.stringify(text)} is not a time that is understood`,
    hint: 'Write 2026-11-20T02:51:07Z, 2026-11-20 03:51+01:00, "10 minutes ago" or "yesterday 14:30 +02:00".',
  };
}

function beforeNow(amount: string, text: string, now: Instant): TimeReading {
  const words = amount.replaceAll(/,|\band\b/g, " ");
  const pattern = /(\d+|\ban?\b) ?([a-z]+)/g;
  const parts = [...words.matchAll(pattern)];
  const rest = words.replaceAll(pattern, "").trim();
  let back = 0n;
  for (const [, count = "", unit = ""] of parts) {
    const length = units.find(([pattern]) => pattern.test(unit))?.[1];
    if (length === undefined)
      return {
        problem: `${JSON.stringify(unit)} in ${JSON.stringify(text)} is not a unit of time`,
        hint: 'Use s, m, h, d, w or their full names: "2 hours 30 minutes ago".',
      };
    back += (/^an?$/.test(count) ? 1n : BigInt(count)) * length;
  }
  if (parts.length === 0 || rest !== "")
    return {
      problem: `${JSON.stringify(text)} does not say how long ago`,
      hint: 'Write "10 minutes ago" or "2h30m ago".',
    };
  return { at: instant(now - back) };
}

function onDay(m: RegExpExecArray, text: string, now: Instant, zoneOffsetMinutes: number): TimeReading {
  const [, word, hour = "", minute = "", seconds = "0", fraction = "", zone] = m;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(seconds) > 60)
    return { problem: `${JSON.stringify(text)} is not a time of day`, hint: "Hours go to 23, minutes to 59." };
  if (zone === undefined) return withoutOffset(text, zoneOffsetMinutes);
  const offset = offsetOf(zone);
  if (offset === null)
    return {
      problem: `${JSON.stringify(zone)} in ${JSON.stringify(text)} is not an offset from UTC`,
      hint: "Offsets go from -15:59 to +15:59.",
    };
  const local = instant(now + offset * 60n * second);
  const midnight = local - splitUtc(local).time;
  const timeOfDay =
    BigInt(Number(hour) * 3600 + Number(minute) * 60 + Number(seconds)) * second +
    BigInt(fraction.padEnd(6, "0").slice(0, 6));
  const at = midnight + timeOfDay - offset * 60n * second - (word === "yesterday" ? day : 0n);
  // Without a day the last such time is meant: a target lies in the past.
  return { at: instant(word === undefined && at > now ? at - day : at) };
}

function offsetOf(zone: string): bigint | null {
  const m = /^([+-])(\d{1,2}):?(\d{2})?$/.exec(zone);
  if (m === null) return 0n;
  const minutes = Number(m[2]) * 60 + Number(m[3] ?? "0");
  if (minutes > 959 || Number(m[3] ?? "0") > 59) return null;
  return BigInt(m[1] === "-" ? -minutes : minutes);
}

function withoutOffset(text: string, zoneOffsetMinutes: number): TimeReading {
  const [date = ""] = text.trim().split(/[T ]/);
  const [year, month, dayOfMonth] = date.split("-").map(Number);
  if (date.includes("-") && !isCivilDay({ year: year ?? 0, month: month ?? 0, day: dayOfMonth ?? 0 }))
    return { problem: `the calendar has no day ${date}`, hint: "Dates are year-month-day." };
  const own =
    zoneOffsetMinutes === 0
      ? ""
      : `, or ${JSON.stringify(`${text.trim()}${formatOffset(zoneOffsetMinutes)}`)} for this terminal's zone`;
  return {
    problem: `${JSON.stringify(text)} does not say in which zone`,
    hint: `An offset is never guessed: write ${JSON.stringify(`${text.trim()}Z`)} for UTC${own}.`,
  };
}

/** An offset from UTC as ISO 8601 writes it: `+02:00`. */
export function formatOffset(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${String(Math.floor(size / 60)).padStart(2, "0")}:${String(size % 60).padStart(2, "0")}`;
}
