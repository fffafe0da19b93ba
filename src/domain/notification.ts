import { formatInstant, type Instant } from "./instant.ts";
import { formatDuration } from "./quantity.ts";
import { isGood, type RunRecord } from "./run/record.ts";

/** What a message may be about: a run that begins, ended well, did not, or ended well after one that did not. */
export const notifyEvents = ["start", "success", "failure", "recovered"] as const;
export type NotifyEvent = (typeof notifyEvents)[number];

/** A message, in the words of all its forms. */
export interface Notification {
  readonly event: NotifyEvent;
  readonly run: string;
  readonly cluster: string;
  readonly kind: string;
  readonly host: string;
  readonly at: Instant;
  readonly exitCode: number | null;
  /** `[pgrescue] shop: backup failed`. */
  readonly subject: string;
  /** What happened, what it means, what to do; lines. */
  readonly lines: readonly string[];
}

/** What an ended run is to those who are told: `recovered` where the last one of its kind went wrong. null: it is only paused. */
export function eventOf(record: RunRecord, previous: RunRecord | null): NotifyEvent | null {
  if (record.result === "paused") return null;
  if (!isGood(record)) return "failure";
  return previous !== null && !isGood(previous) ? "recovered" : "success";
}

/** The last run of the same work that ended before; null where there is none. `records`: newest first. */
export function previousOf(record: RunRecord, records: readonly RunRecord[]): RunRecord | null {
  return (
    records.find(
      (r) =>
        r.run !== record.run &&
        r.cluster === record.cluster &&
        r.kind === record.kind &&
        r.backup === record.backup &&
        r.openedAt <= record.openedAt &&
        r.result !== "paused",
    ) ?? null
  );
}

const words = {
  start: "begins",
  success: "is done",
  failure: "failed",
  recovered: "is done again, after a failure",
} as const;

/** The message about a run. `outcome`: what it means and what to do, where it says. */
export function notificationOf(
  event: NotifyEvent,
  record: RunRecord,
  now: Instant,
  outcome: { readonly means?: string; readonly next?: string } = {},
): Notification {
  const what = record.backup === null ? record.kind : record.backup === "dump" ? "dump" : "base backup";
  const host = record.host ?? "unknown host";
  const took = record.endedAt === null ? null : formatDuration(Number(record.endedAt - record.openedAt) / 1e6);
  return {
    event,
    run: record.run,
    cluster: record.cluster,
    kind: record.kind,
    host,
    at: now,
    exitCode: record.exitCode,
    subject: `[pgrescue] ${record.cluster}: ${what} ${words[event]}`,
    lines: [
      `${what} of ${record.cluster} on ${host} ${words[event]}.`,
      ...(event === "failure" && record.message !== null ? [`What happened:  ${record.message}`] : []),
      ...(outcome.means === undefined ? [] : [`For the data:   ${outcome.means}`]),
      ...(outcome.next === undefined ? [] : [`What to do:     ${outcome.next}`]),
      ...(record.point === null ? [] : [`Point:          ${record.point}`]),
      `Run:            ${record.run}${took === null ? "" : `, ${took}`}${record.exitCode === null ? "" : `, exit code ${record.exitCode}`}`,
      `More:           pgrescue report ${record.run}   (on ${host})`,
    ],
  };
}

/** The message as a CloudEvent (1.0, structured JSON); `text` is what chat programs show. */
export function cloudEvent(notification: Notification): object {
  const { event, run, cluster, kind, host, at, exitCode, subject, lines } = notification;
  return {
    specversion: "1.0",
    type: `pgrescue.run.${event}`,
    source: `pgrescue://${encodeURIComponent(host)}/${encodeURIComponent(cluster)}`,
    id: `${run}-${event}`,
    time: formatInstant(at),
    datacontenttype: "application/json",
    data: { schema: "pgrescue.notification/v1", event, run, cluster, kind, host, exitCode, subject, lines },
    text: [subject, ...lines].join("\n"),
  };
}
