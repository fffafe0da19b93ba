import { PgrescueError } from "../../domain/errors.ts";
import type { ObjectStore } from "../../ports/object-store.ts";

/** The same store without any way to change it: every change throws `precondition-refused`. */
export function readOnly(store: ObjectStore): ObjectStore {
  const { rehydrating } = store;
  const refuse = (key: string): never => {
    throw new PgrescueError("precondition-refused", `${store.url} is configured read-only; ${key} was not changed`, {
      next: "Take `readOnly` out of the repository's configuration if it shall be written to.",
    });
  };
  return {
    url: store.url,
    list: (prefix, options) => store.list(prefix, options),
    head: (key) => store.head(key),
    get: (key, range) => store.get(key, range),
    read: (key, range) => store.read(key, range),
    observe: (key) => store.observe(key),
    put: async (key) => refuse(key),
    replace: async (key) => refuse(key),
    write: async (key) => refuse(key),
    delete: async (key) => refuse(key),
    ...(rehydrating === undefined
      ? {}
      : { rehydrating: { state: (key) => rehydrating.state(key), begin: async (key) => refuse(key) } }),
  };
}
