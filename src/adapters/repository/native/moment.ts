import { z } from "zod";
import { instant, parseInstant, type Instant } from "../../../domain/instant.ts";

/** An instant in a document, ISO 8601 with its offset. */
export const moment = z.string().transform((text, context): Instant => {
  const at = parseInstant(text);
  if (at === null) context.addIssue(`${text} is not a time`);
  return at ?? instant(0n);
});
