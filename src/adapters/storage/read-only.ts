import { PgrescueError } from "../../domain/errors.ts";
import type { ObjectStore } from "../../ports/object-store.ts";

/** The same store without any way to change it: every change throws `precondition-refused`. */
export function readOnly(store: ObjectStore): ObjectStore {
  const refuse = (key: string): never => {
    throw new PgrescueError("precondition-refused", `${store.url} is configured read-only; ${key} was not changed`, {
      next: "Take `readOnly` out of the repository's configuration if it shall be written to.",
    });
  };
  const { sweep: _, ...readable } = store;
  return {
    ...readable,
    put: async (key) => refuse(key),
    write: async (key) => refuse(key),
    delete: async (key) => refuse(key),
  };
}
