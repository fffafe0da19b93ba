import type { Leasing, SeenLease } from "../../../ports/leasing.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { leaseKey } from "./keys.ts";
import { decodeLease, encodeLease } from "./lease-document.ts";

/** The leases of a repository of our own format: `locks/<cluster>.json`, overwritten only by whoever saw what is there. */
export function nativeLeasing(store: ObjectStore): Leasing {
  async function observe(cluster: string): Promise<SeenLease> {
    const key = leaseKey(cluster);
    const found = await store.observe(key);
    return found === null
      ? { lease: null, version: null }
      : { lease: decodeLease(found.bytes, key), version: found.version };
  }

  return {
    observe,
    replace: async (cluster, lease, seen) => {
      const key = leaseKey(cluster);
      let { version } = seen;
      if (version === null) {
        // First one that is free: where nothing may be replaced, nobody is ever locked out by it.
        await store.put(key, encodeLease(cluster, null), { ifAbsent: true });
        const made = await observe(cluster);
        if (made.lease !== null) return null;
        version = made.version;
      }
      const next = version === null ? null : await store.replace(key, encodeLease(cluster, lease), version);
      return next === null ? null : { lease, version: next };
    },
  };
}
