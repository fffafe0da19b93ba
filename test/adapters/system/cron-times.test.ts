import { expect, test } from "vitest";
import { cronTimes } from "../../../src/adapters/system/cron-times.ts";
import { formatInstant, parseInstant, type Instant } from "../../../src/domain/instant.ts";
import { dueSince } from "../../../src/domain/schedule/due.ts";

const at = (text: string): Instant => parseInstant(text) ?? (0n as Instant);
const text = (instant: Instant | null | undefined): string | null =>
  instant == null ? null : formatInstant(instant).slice(0, 19);

test.each([
  // In spring 02:30 does not exist: right behind the gap, once. In autumn it comes twice: the first.
  ["30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", ["2026-03-29T01:00:00", "2026-03-30T00:30:00"]],
  ["30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", ["2026-10-25T00:30:00", "2026-10-26T01:30:00"]],
  ["0 1 * * *", "Etc/UTC", "2026-11-20T01:00:00Z", ["2026-11-21T01:00:00", "2026-11-22T01:00:00"]],
  ["0 4 * * 0", "America/New_York", "2026-11-20T00:00:00Z", ["2026-11-22T09:00:00", "2026-11-29T09:00:00"]],
])("%s in %s goes on as clocks do", (expression, zone, from, expected) => {
  const times = cronTimes(expression, zone);
  const first = times.next(at(from));
  expect([text(first), text(times.next(first ?? at(from)))]).toEqual(expected);
  // Backwards it is the same moments, the asked one included.
  expect(text(times.previous(at(`${expected[1]}Z`)))).toBe(expected[1]);
  expect(text(times.previous((at(`${expected[1]}Z`) - 1n) as Instant))).toBe(expected[0]);
});

test.each([
  // Work every hour goes on through both days: none is left out, none comes twice.
  ["0 * * * *", "2026-03-28T22:00:00Z", 24],
  ["*/30 * * * *", "2026-03-28T22:00:00Z", 48],
  ["0 * * * *", "2026-10-24T22:00:00Z", 24],
  ["*/30 * * * *", "2026-10-24T22:00:00Z", 48],
])(
  "%s in Europe/Berlin, for a day from %s: %i moments, the same ones forwards and backwards",
  (expression, from, count) => {
    const times = cronTimes(expression, "Europe/Berlin");
    const until = (at(from) + 86_400_000_000n) as Instant;
    const forwards: Instant[] = [];
    for (let next = times.next(at(from)); next !== null && next <= until; next = times.next(next)) forwards.push(next);
    const backwards: Instant[] = [];
    for (let last = times.previous(until); last !== null && last > at(from);) {
      backwards.unshift(last);
      last = times.previous((last - 1n) as Instant);
    }
    const step = 86_400_000_000n / BigInt(count);
    expect(forwards).toEqual(Array.from({ length: count }, (_, n) => at(from) + step * BigInt(n + 1)));
    expect(backwards).toEqual(forwards);
  },
);

test("of several slots that passed the newest is due, and an old one counts as missed", () => {
  const times = cronTimes("0 * * * *", "Etc/UTC");
  const since = at("2026-11-20T01:00:00Z");
  expect(dueSince(times, since, at("2026-11-20T01:59:59Z"))).toBeNull();
  expect(dueSince(times, since, at("2026-11-20T02:00:00Z"))).toMatchObject({ isLate: false });
  const slept = dueSince(times, since, at("2026-11-20T05:40:00Z"));
  expect([text(slept?.slot), slept?.isLate]).toEqual(["2026-11-20T05:00:00", true]);
  // A clock that was set back makes nothing due a second time.
  expect(dueSince(times, at("2026-11-20T05:00:00Z"), at("2026-11-20T04:30:00Z"))).toBeNull();
});

test.each([
  ["every day", "Etc/UTC"],
  ["0 1 * * *", "Mars/Olympus"],
])("%s in %s is refused", (expression, zone) => {
  expect(() => cronTimes(expression, zone)).toThrow(/is no schedule/);
});
