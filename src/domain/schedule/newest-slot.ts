import type { Instant } from "../instant.ts";
import { slotName } from "../slot.ts";
import type { Times } from "./due.ts";
import type { ScheduleEntry } from "./entry.ts";

/** A backup as a command line asks for it. `databases` null: all of them. */
export interface WantedBackup {
  readonly cluster: string;
  readonly kind: "base" | "dump";
  readonly databases: readonly string[] | null;
}

/** The newest time, not later than now, of the entries that take this backup; null where none does, or none was due yet. */
export function newestSlot(
  entries: readonly ScheduleEntry[],
  wanted: WantedBackup,
  timesOf: (entry: ScheduleEntry) => Times,
  now: Instant,
): Instant | null {
  const { cluster, kind, databases } = wanted;
  let newest: Instant | null = null;
  for (const entry of entries) {
    if (entry.cluster !== cluster || entry.backup !== kind) continue;
    const slot = timesOf(entry).previous(now);
    if (slot === null || (newest !== null && slot <= newest)) continue;
    // The same backup is what bears the same name.
    if (slotName(kind, entry.databases ?? null, slot) === slotName(kind, databases, slot)) newest = slot;
  }
  return newest;
}
