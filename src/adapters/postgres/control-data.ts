import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PgrescueError } from "../../domain/errors.ts";
import { parseInstant } from "../../domain/instant.ts";
import { lsn, parseLsn } from "../../domain/lsn.ts";
import type { ControlData, Installation } from "../../ports/postgres.ts";
import type { Shell } from "../../ports/shell.ts";

/** pg_controldata's labels of the settings that recovery must not go below, and their names as settings. */
const floorNames: { readonly [label: string]: string } = {
  "max_connections setting": "max_connections",
  "max_worker_processes setting": "max_worker_processes",
  "max_wal_senders setting": "max_wal_senders",
  "max_prepared_xacts setting": "max_prepared_transactions",
  "max_locks_per_xact setting": "max_locks_per_transaction",
};

/** The major version in PG_VERSION; null when there is none that can be read. */
export async function majorOf(dataDirectory: string): Promise<number | null> {
  const text = await readFile(join(dataDirectory, "PG_VERSION"), "utf8").catch(() => "");
  const m = /^(\d+)(?:\.\d+)?\s*$/.exec(text);
  return m === null ? null : Number(m[1]);
}

/**
 * Runs pg_controldata. Throws `external-failure` when it cannot read the file and `damaged-data` when the checksum of
 * global/pg_control does not fit: then nothing in it can be believed.
 */
export async function readControlData(
  shell: Shell,
  dataDirectory: string,
  installation: Installation,
): Promise<ControlData> {
  const program = join(installation.bin, "pg_controldata");
  // %c in the C locale and UTC: the only form that can be read back.
  const result = await shell.run([program, "-D", dataDirectory], { env: { LC_ALL: "C", TZ: "UTC" }, timeout: 30_000 });
  if (result.exit !== 0) {
    throw new PgrescueError("external-failure", `pg_controldata cannot read ${dataDirectory}: ${result.stderr.trim()}`);
  }
  const warning = /WARNING: (Calculated CRC checksum does not match[^\n]*)/i.exec(result.stdout + result.stderr);
  if (warning !== null) {
    throw new PgrescueError("damaged-data", `global/pg_control in ${dataDirectory} is damaged: ${warning[1]}`, {
      next: "Restore into another directory; do not run pg_resetwal on the only copy.",
    });
  }
  const data = parseControlData(result.stdout, (await majorOf(dataDirectory)) ?? installation.major);
  if (data === null)
    throw new PgrescueError("external-failure", `${program} printed something that is not control data`);
  return data;
}

/** Reads pg_controldata's output (C locale, UTC); null when a field that everything needs is missing. */
function parseControlData(text: string, major: number): ControlData | null {
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  const position = (name: string) => parseLsn(fields.get(name) ?? "");
  const systemIdentifier = fields.get("Database system identifier");
  const checkpointLsn = position("Latest checkpoint location");
  const redoLsn = position("Latest checkpoint's REDO location");
  if (systemIdentifier === undefined || checkpointLsn === null || redoLsn === null) return null;
  const floors: Record<string, number> = {};
  for (const [label, name] of Object.entries(floorNames)) {
    const value = Number(fields.get(label));
    if (fields.has(label) && Number.isInteger(value)) floors[name] = value;
  }
  return {
    systemIdentifier,
    major,
    state: fields.get("Database cluster state") ?? "unknown",
    timeline: Number(fields.get("Latest checkpoint's TimeLineID")),
    checkpointLsn,
    redoLsn,
    minRecoveryEnd: position("Minimum recovery ending location") ?? lsn(0n),
    checkpointTime: parseControlTime(fields.get("Time of latest checkpoint") ?? ""),
    segmentSize: Number(fields.get("Bytes per WAL segment")),
    blockSize: Number(fields.get("Database block size")),
    checksums: Number(fields.get("Data page checksum version") ?? "0") > 0,
    floors,
  };
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `Fri Nov 20 22:01:58 2026` (strftime %c in the C locale), taken as UTC. */
function parseControlTime(text: string): ReturnType<typeof parseInstant> {
  const m = /^\w{3} (\w{3}) +(\d{1,2}) (\d{2}:\d{2}:\d{2}) (\d{4})$/.exec(text);
  if (m === null) return null;
  const month = months.indexOf(m[1] ?? "") + 1;
  return parseInstant(`${m[4]}-${String(month).padStart(2, "0")}-${(m[2] ?? "").padStart(2, "0")}T${m[3]}Z`);
}
