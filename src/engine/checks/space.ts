import { formatBytes } from "../../domain/quantity.ts";
import type { Check, CheckContext, Answer } from "../check.ts";

/** Whether every mount that grows has room: bytes free, once per file system. */
export const check: Check = {
  id: "space",
  title: "There is room on the disks",
  ask: async (context) => {
    const size = await databaseBytes(context);
    const findings: Answer[] = [];
    const seen = new Map<number, number>();
    for (const { name, path } of context.places) {
      const { free, device, at, writable } = await context.files.space(path);
      const known = seen.get(device);
      if (known !== undefined && findings[known] !== undefined) {
        findings[known] = { ...findings[known], evidence: `${name}, ${findings[known].evidence}` };
        continue;
      }
      seen.set(device, findings.length);
      findings.push({ name, ...judgeSpace(name, at, free, size, writable) });
    }
    return findings.length > 0 ? findings : { result: "unknown", evidence: "no directory is known on this host" };
  },
};

/** Judges free bytes against the size of the databases (null: unknown). */
export function judgeSpace(name: string, at: string, free: number, size: number | null, writable: boolean): Answer {
  const evidence = `${name}: ${formatBytes(free)} free at ${at}${size === null ? "" : `, databases ${formatBytes(size)}`}`;
  if (free < 512 * 1024 * 1024)
    return {
      result: "fail",
      evidence,
      mend: "Make room now, never by deleting in pg_wal: a full disk stops the server.",
    };
  if (name !== "data directory" && !writable)
    return {
      result: "warn",
      evidence: `${evidence}; not writable for this user`,
      mend: "Give the directory to the user that pgrescue runs as.",
    };
  if (name === "scratch" && size !== null && free < size * 1.1)
    return {
      result: "warn",
      evidence: `${evidence}; a restore beside production does not fit`,
      mend: "Name a larger place as `scratch.directory`, or restore on another host.",
    };
  if (size !== null && free < size * 0.1)
    return { result: "warn", evidence, mend: "Make room: less than a tenth of the databases' size is free." };
  return { result: "pass", evidence };
}

async function databaseBytes({ server }: CheckContext): Promise<number | null> {
  if (server.state !== "up") return null;
  const rows = await server.sql
    .query<{ bytes: string | null }>(
      "select sum(pg_tablespace_size(oid))::text as bytes from pg_tablespace where has_tablespace_privilege(oid, 'create') or pg_has_role(current_user, 'pg_read_all_stats', 'usage')",
    )
    .catch(() => []);
  const bytes = rows[0]?.bytes ?? null;
  return bytes === null ? null : Number(bytes);
}
