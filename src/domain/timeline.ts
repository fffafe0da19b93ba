import { parseLsn, type Lsn } from "./lsn.ts";
import type { TimelineId } from "./segment.ts";

/** One line of a timeline history file: `parent` was left at `switchedAt`. */
export interface TimelineSwitch {
  readonly parent: TimelineId;
  readonly switchedAt: Lsn;
  readonly reason: string;
}

/** A timeline with its ancestors, oldest first; timeline 1 has none. */
export interface TimelineHistory {
  readonly timeline: TimelineId;
  readonly switches: readonly TimelineSwitch[];
}

/** Reads a history file's text (PostgreSQL manual, 26.3.5); null when it is damaged. */
export function parseHistory(timeline: TimelineId, text: string): TimelineHistory | null {
  const switches: TimelineSwitch[] = [];
  for (const line of text.split("\n")) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const m = /^\s*(\d+)\s+([0-9A-F]+\/[0-9A-F]+)\s*(.*)$/i.exec(line);
    const switchedAt = m === null ? null : parseLsn(m[2] ?? "");
    if (m === null || switchedAt === null) return null;
    const parent = Number(m[1]);
    const last = switches.at(-1);
    if (parent >= timeline || (last !== undefined && (parent <= last.parent || switchedAt < last.switchedAt)))
      return null;
    switches.push({ parent, switchedAt, reason: m[3] ?? "" });
  }
  return { timeline, switches };
}

/** The timeline whose WAL holds the byte at `at` on the way to `history.timeline`. */
export function timelineAt(history: TimelineHistory, at: Lsn): TimelineId {
  return history.switches.find((s) => at < s.switchedAt)?.parent ?? history.timeline;
}

/** Where the way to `history.timeline` leaves `ancestor`; null when it never was on it or has not left it. */
export function forkOf(history: TimelineHistory, ancestor: TimelineId): Lsn | null {
  return history.switches.find((s) => s.parent === ancestor)?.switchedAt ?? null;
}

/** Whether the way to `history.timeline` passes through `timeline`. */
export function passesThrough(history: TimelineHistory, timeline: TimelineId): boolean {
  return history.timeline === timeline || history.switches.some((s) => s.parent === timeline);
}
