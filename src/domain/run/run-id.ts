import { formatInstant, type Instant } from "../instant.ts";

const letters = "0123456789abcdefghjkmnpqrstvwxyz";

/**
 * A run's name: short, sortable by time, readable over the telephone: `R20261120-0314-k3f`. `random` is any number
 * from 0 up; it keeps runs of the same minute apart.
 */
export function runId(at: Instant, random: number): string {
  const iso = formatInstant(at);
  const minute = `${iso.slice(0, 10).replaceAll("-", "")}-${iso.slice(11, 13)}${iso.slice(14, 16)}`;
  let rest = Math.floor(random) % letters.length ** 3;
  let tail = "";
  for (let i = 0; i < 3; i++) {
    tail = (letters[rest % letters.length] ?? "0") + tail;
    rest = Math.floor(rest / letters.length);
  }
  return `R${minute}-${tail}`;
}

/** Whether a name (of a directory, say) is a run's. */
export function isRunId(name: string): boolean {
  return /^R\d{8}-\d{4}-[0-9a-z]{3}$/.test(name);
}

/** The runs whose name begins or ends like `part` (case does not matter): `R20261120-03`, `k3f`. An exact name is alone. */
export function matchingRuns(ids: readonly string[], part: string): readonly string[] {
  const asked = part.toLowerCase();
  const exact = ids.filter((id) => id.toLowerCase() === asked);
  return exact.length > 0
    ? exact
    : ids.filter((id) => id.toLowerCase().startsWith(asked) || id.toLowerCase().endsWith(`-${asked}`));
}
