import { z } from "zod";
import { PgrescueError } from "../../../domain/errors.ts";
import { formatInstant } from "../../../domain/instant.ts";
import type { Hold } from "../../../domain/retention/hold.ts";
import { moment } from "./moment.ts";

const schema = z.object({
  format: z.literal("pgrescue.hold/v1"),
  cluster: z.string(),
  point: z.string().nullable(),
  run: z.string().nullable(),
  reason: z.string(),
  owner: z.string(),
  since: moment,
  until: moment.nullable(),
});

/** Reads a hold. Throws `damaged-data`: a hold that cannot be read must not be taken for none. */
export function decodeHold(bytes: Uint8Array, what: string): Hold {
  let raw: unknown = null;
  try {
    raw = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // Said below: what is no JSON is no hold.
  }
  const { data } = schema.safeParse(raw);
  if (data === undefined)
    throw new PgrescueError("damaged-data", `${what} is not a hold that can be read`, {
      next: "Put the hold again with `pgrescue hold`, or take it away with `pgrescue release`.",
    });
  const { format: _, ...hold } = data;
  return hold;
}

/** As it is stored. */
export function encodeHold(hold: Hold): Uint8Array {
  const text = {
    format: "pgrescue.hold/v1",
    ...hold,
    since: formatInstant(hold.since),
    until: hold.until === null ? null : formatInstant(hold.until),
  };
  return Buffer.from(`${JSON.stringify(text, null, 2)}\n`);
}
