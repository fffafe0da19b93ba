import type { WalEvent } from "./wal-event.ts";

/** The parameters that recovery refuses to run below, by PostgreSQL's names (manual, 27.4.3 "Administrator's overview"). */
export const floorParameters = [
  "max_connections",
  "max_worker_processes",
  "max_wal_senders",
  "max_prepared_transactions",
  "max_locks_per_transaction",
] as const;

/** The greater of both, name by name. */
export function raiseFloors(
  floors: { readonly [name: string]: number },
  more: { readonly [name: string]: number },
): { readonly [name: string]: number } {
  const names = new Set([...Object.keys(floors), ...Object.keys(more)]);
  return Object.fromEntries([...names].map((name) => [name, Math.max(floors[name] ?? 0, more[name] ?? 0)]));
}

/** Floors after what the WAL says of changed parameters. */
export function floorsAfter(
  floors: { readonly [name: string]: number },
  events: Iterable<WalEvent>,
): { readonly [name: string]: number } {
  let raised = floors;
  for (const event of events) if (event.kind === "parameters") raised = raiseFloors(raised, event.floors);
  return raised;
}
