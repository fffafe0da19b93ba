import type { Json } from "../../domain/brand.ts";
import type { ConnectionTarget } from "../../ports/sql.ts";
import type { StepContext } from "../step.ts";

/** Names of the values that the steps of a recovery record for each other, for faces and for the report. */
export const recordedNames = {
  /** {at}: preflight said yes. */
  preflight: "preflight",
  /** What the old configuration preloads. */
  preload: "preload",
  /** {host, port, user, database, dataDirectory, connectionString}: where the recovered server answers. */
  server: "server",
  /** {state, lsn, commitAt}: where recovery ended. */
  stopped: "stopped",
  /** What the check of that place found. */
  judged: "stop-judged",
  /** {at, timeline}: when recovery was ended, and the new timeline. */
  promoted: "promoted",
  /** {directory, files, pushed, last}: WAL that only the old data directory had. */
  savedWal: "saved-wal",
  /** {moves}: what was moved aside, and where to. */
  aside: "aside",
} as const;

/** A step that answers a question leaves nothing in the world but its answer, so its probe looks for that. */
export function hasRecorded(ctx: StepContext, name: string): "done" | "absent" {
  return ctx.recorded[name] === undefined ? "absent" : "done";
}

/** What is recorded as `server`: where it answers, and what psql takes. */
export function serverAt(
  { host, port, user, database }: Pick<ConnectionTarget, "host" | "port" | "user" | "database">,
  dataDirectory: string,
): Json {
  const connectionString = `host=${host} port=${port} user=${user} dbname=${database}`;
  return { host, port, user, database, dataDirectory, connectionString };
}
