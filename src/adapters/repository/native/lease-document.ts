import { randomUUID } from "node:crypto";
import { z } from "zod";
import { PgrescueError } from "../../../domain/errors.ts";
import { formatInstant, instant } from "../../../domain/instant.ts";
import type { Lease } from "../../../domain/lease.ts";
import { moment } from "./moment.ts";

const schema = z.discriminatedUnion("state", [
  z.object({ format: z.literal("pgrescue.lease/v1"), state: z.literal("free") }),
  z.object({
    format: z.literal("pgrescue.lease/v1"),
    state: z.literal("held"),
    cluster: z.string(),
    holder: z.object({
      host: z.string(),
      pid: z.number(),
      process: z.string().nullable(),
      user: z.string(),
      run: z.string(),
      command: z.string(),
    }),
    token: z.string(),
    since: moment,
    renewedAt: moment,
    renewals: z.number(),
    periodSeconds: z.number().positive(),
  }),
]);

/** Reads a lease; null: nobody has it. Throws `damaged-data`: one that cannot be read must not be taken for none. */
export function decodeLease(bytes: Uint8Array, key: string): Lease | null {
  let raw: unknown = null;
  try {
    raw = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // Said below: what is no JSON is no lease.
  }
  const { data } = schema.safeParse(raw);
  if (data === undefined)
    throw new PgrescueError("damaged-data", `${key} is not a lease that can be read`, {
      means: "Who works in the repository is unknown; the backups do not depend on it.",
      next: "See that nothing writes to the repository, then remove that one object by hand: it is made anew.",
    });
  if (data.state === "free") return null;
  const { format: _format, state: _state, ...lease } = data;
  return lease;
}

/** As it is stored; no two writings are alike, which conditional overwriting relies on. */
export function encodeLease(cluster: string, lease: Lease | null): Uint8Array {
  const format = "pgrescue.lease/v1";
  const document =
    lease === null
      ? { format, state: "free", cluster }
      : {
          format,
          state: "held",
          ...lease,
          since: formatInstant(lease.since),
          renewedAt: formatInstant(lease.renewedAt),
          expiresAt: formatInstant(instant(lease.renewedAt + BigInt(Math.round(lease.periodSeconds * 1_000_000)))),
        };
  return Buffer.from(`${JSON.stringify({ ...document, writing: randomUUID() }, null, 2)}\n`);
}
