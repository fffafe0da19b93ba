import { randomUUID } from "node:crypto";
import { PgrescueError } from "../../../domain/errors.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import type { StoreProbe } from "../../../ports/repository.ts";

/**
 * Writes an object of its own (`probes/<uuid>`), asks for it to be made a second time, reads it back and deletes it. Where
 * deleting is not allowed it stays. Throws what the store throws, and `store-failure` where it gives back something else.
 */
export async function probeStore(store: ObjectStore): Promise<StoreProbe> {
  const key = `probes/${randomUUID()}`;
  const content = Buffer.from(`${key}\n`);
  await store.put(key, content, { ifAbsent: true });
  const again = await store.put(key, Buffer.from("another writer\n"), { ifAbsent: true });
  const there = await store.get(key);
  const isKept = there !== null && Buffer.compare(there, content) === 0;
  if (!isKept && again === "exists")
    throw new PgrescueError("store-failure", `${store.url} gave back something else than was written`);
  try {
    await store.delete(key);
  } catch (error) {
    if (!(error instanceof PgrescueError) || error.code !== "credentials") throw error;
    return { createsOnce: again === "exists", mayDelete: false };
  }
  return { createsOnce: again === "exists", mayDelete: (await store.head(key)) === null };
}
