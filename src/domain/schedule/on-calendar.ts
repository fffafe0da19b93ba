import { PgrescueError } from "../errors.ts";

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/**
 * A cron expression as systemd's OnCalendar (systemd.time(7)): two of them where cron means "this day of the month or that
 * day of the week". Throws `config` for what only our own scheduler understands.
 */
export function onCalendar(expression: string, timeZone: string): readonly string[] {
  const fields = expression.trim().split(/\s+/);
  const [minute, hour, day, month, weekday] = fields;
  if (fields.length !== 5 || minute === undefined || hour === undefined || day === undefined)
    throw unfit(expression, "it has not five fields");
  if (month === undefined || weekday === undefined) throw unfit(expression, "it has not five fields");
  const clock = `${part(expression, hour, 0)}:${part(expression, minute, 0)}:00`;
  const date = (of: string): string => `*-${part(expression, month, 1, months)}-${part(expression, of, 1)}`;
  const zone = timeZone === "" ? "" : ` ${timeZone}`;
  const ofWeek = (): string => `${weekdays(expression, weekday)} ${date("*")} ${clock}${zone}`;
  if (weekday === "*") return [`${date(day)} ${clock}${zone}`];
  return day === "*" ? [ofWeek()] : [`${date(day)} ${clock}${zone}`, ofWeek()];
}

/** A field: `*`, numbers, names, ranges, steps and lists of them. `first`: the least value, from which steps count. */
function part(expression: string, field: string, first: number, names: readonly string[] = []): string {
  return field
    .split(",")
    .map((item) => {
      const m = /^(\*|[a-z]+|\d+)(?:-([a-z]+|\d+))?(?:\/(\d+))?$/i.exec(item);
      if (m === null) throw unfit(expression, `systemd has no way to say ${item}`);
      const [, from = "", to, step] = m;
      const number = (word: string): string => {
        const at = names.indexOf(word.toLowerCase());
        if (at >= 0) return String(at + 1).padStart(2, "0");
        if (!/^\d+$/.test(word)) throw unfit(expression, `${word} is no value of its field`);
        return word.padStart(2, "0");
      };
      if (from === "*") return step === undefined ? "*" : `${String(first).padStart(2, "0")}/${step}`;
      const range = to === undefined ? number(from) : `${number(from)}..${number(to)}`;
      return step === undefined ? range : `${range}/${step}`;
    })
    .join(",");
}

/** Days of the week by name; systemd knows no steps there. */
function weekdays(expression: string, field: string): string {
  const name = (word: string): string => {
    const at = /^\d$/.test(word) ? Number(word) % 7 : days.indexOf(word.toLowerCase().slice(0, 3));
    const found = days[at];
    if (found === undefined) throw unfit(expression, `${word} is no day of the week`);
    return found.slice(0, 1).toUpperCase() + found.slice(1);
  };
  return field
    .split(",")
    .map((item) => {
      const [from = "", to, more] = item.split("-");
      if (more !== undefined || item.includes("/")) throw unfit(expression, `systemd has no way to say ${item}`);
      // 5-7 goes over the end of systemd's week: each day by itself.
      if (to === undefined || !/^\d$/.test(from) || !/^\d$/.test(to))
        return to === undefined ? name(from) : `${name(from)}..${name(to)}`;
      return Array.from({ length: Number(to) - Number(from) + 1 }, (_, n) => name(String(Number(from) + n))).join(",");
    })
    .join(",");
}

function unfit(expression: string, why: string): PgrescueError {
  return new PgrescueError("config", `${JSON.stringify(expression)} cannot be a systemd timer: ${why}`, {
    next: "Write it in five plain fields, or let `pgrescue schedule` run it.",
  });
}
