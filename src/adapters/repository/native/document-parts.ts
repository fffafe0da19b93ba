import { z } from "zod";
import { PgrescueError } from "../../../domain/errors.ts";
import { parseInstant, type Instant } from "../../../domain/instant.ts";

/** What the commit documents of base backups and dumps have in common. */
export const count = z.number().int().nonnegative();

/** An instant, stored as ISO 8601 UTC. */
export const moment = z
  .string()
  .transform((text, context): Instant => parseInstant(text) ?? fail(context, `${text} is not a time`));

/** How the objects are encrypted; null: they are not. */
export const encryption = z.union([
  z.null(),
  z.object({ format: z.literal("age-encryption.org/v1"), recipients: z.array(z.string()) }),
]);

/** What travels with a backup; backups of older versions have none. */
export const storedIncludes = z
  .array(z.object({ name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/), secret: z.boolean() }))
  .default([]);

/** The list of everything that belongs to a backup besides the document itself. */
export function storedObjects(name: z.ZodString) {
  return z.array(z.object({ name, size: count, sha256: z.string().regex(/^[0-9a-f]{64}$/) }));
}

/** A transformation's way to say that a value is none. */
export function fail(context: z.RefinementCtx, message: string): never {
  context.addIssue(message);
  return z.NEVER;
}

/** The JSON in an object; null where it is none. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/** Reads a commit document of format `<family>/v1`. Throws `damaged-data`, or `precondition-refused` when a newer pgrescue wrote it. */
export function decodeCommit<T extends z.ZodType>(
  schema: T,
  family: string,
  bytes: Uint8Array,
  what: string,
): z.output<T> {
  const json = parseJson(bytes);
  const format = (json as { format?: unknown } | null)?.format;
  if (typeof format === "string" && format !== `${family}/v1` && /^\d+$/.test(format.replace(`${family}/v`, ""))) {
    throw new PgrescueError("precondition-refused", `${what} was written by a newer pgrescue (${format})`, {
      next: "Use a newer pgrescue for this backup.",
    });
  }
  const { data, error } = schema.safeParse(json);
  if (data !== undefined) return data;
  throw new PgrescueError(
    "damaged-data",
    `${what} is not what was written: ${error?.issues[0]?.path.join(".")} ${error?.issues[0]?.message}`,
  );
}
