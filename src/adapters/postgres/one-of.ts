import { PgrescueError } from "../../domain/errors.ts";

/** `value` when it is one of the allowed ones; throws `config` naming the keyword and what is allowed. */
export function oneOf<const T extends string>(keyword: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined)
    throw new PgrescueError("config", `${keyword} ${JSON.stringify(value)} is none of ${allowed.join(", ")}`);
  return found;
}
