import type { Clock } from "../../ports/clock.ts";
import type { SeenLease } from "../../ports/leasing.ts";

/** For how long the leases that somebody looks at again and again have stayed as they are, by the watcher's own clock. */
export interface LeaseWatch {
  /** Milliseconds since what is seen now was first seen; 0 when it is new. `name` tells the leases apart. */
  saw(name: string, seen: SeenLease): number;
}

/** A watch that has seen nothing yet. */
export function createLeaseWatch(clock: Clock): LeaseWatch {
  const since = new Map<string, { readonly version: string | null; readonly at: number }>();
  return {
    saw: (name, { version }) => {
      const before = since.get(name);
      if (before?.version === version && before !== undefined) return clock.monotonic() - before.at;
      since.set(name, { version, at: clock.monotonic() });
      return 0;
    },
  };
}
