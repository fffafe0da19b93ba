import { PgrescueError } from "../../../domain/errors.ts";
import type { StoredInclude } from "../../../domain/include.ts";
import type { StoredObject } from "./hashed-object.ts";
import { putCompressed, type CompressedPlace } from "./put-compressed.ts";

/** Stores something that travels with a backup. Throws `precondition-refused` for a secret that would lie there readable. */
export async function putInclude(
  place: CompressedPlace,
  { name, secret }: StoredInclude,
  chunks: AsyncIterable<Uint8Array>,
): Promise<StoredObject> {
  if (secret && place.cipher === null)
    throw new PgrescueError("precondition-refused", `${name} is secret, and this repository is not encrypted`, {
      means: "No backup was taken.",
      next: "Use an encrypted repository (`encryption.recipients`), or take it out of the cluster's `include`.",
    });
  return putCompressed(place, `${includePrefix}${name}.zst`, chunks);
}

/** Where they lie in a backup's folder. */
export const includePrefix = "include/";
