import { Cron } from "croner";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { instantFromMilliseconds, millisecondsOf } from "../../domain/instant.ts";
import type { Times } from "../../domain/schedule/due.ts";

/**
 * The moments that a cron expression means in a time zone. On the day when clocks go forward a time that does not exist
 * is the one right behind the gap; when they go back, a time that comes twice is its first. Throws `config`.
 */
export function cronTimes(expression: string, timeZone: string): Times {
  let cron: Cron;
  try {
    cron = new Cron(expression, { timezone: timeZone, paused: true });
    // A zone that does not exist is noticed only when a time is asked for.
    cron.nextRun();
  } catch (error) {
    throw new PgrescueError(
      "config",
      `${JSON.stringify(expression)} in ${timeZone} is no schedule: ${messageOf(error)}`,
      {
        next: "Write five fields as in cron, like `0 1 * * *`, and a time zone like Europe/Berlin.",
      },
    );
  }
  return {
    next: (after) => {
      const found = cron.nextRun(new Date(millisecondsOf(after)));
      return found === null ? null : instantFromMilliseconds(found.getTime());
    },
    previous: (until) => {
      const [found] = cron.previousRuns(1, new Date(millisecondsOf(until) + 1));
      return found === undefined ? null : instantFromMilliseconds(found.getTime());
    },
  };
}
