import { readFile } from "node:fs/promises";
import type { Json } from "../../domain/brand.ts";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { parseLsn } from "../../domain/lsn.ts";
import type { TimelineHistory } from "../../domain/timeline.ts";

/**
 * What a recovery's restore_command works from: `fetch.json` in the spool, written when the recovery is configured, so
 * that the hundred-thousandth start reads one small file and no YAML. Never holds a secret.
 */
export interface FetchConfig {
  readonly schema: "pgrescue.fetch/v1";
  readonly cluster: string;
  readonly systemIdentifier: string;
  /** 0: what the archives say. */
  readonly segmentSize: number;
  readonly dataDirectory: string;
  /** Read in this order. */
  readonly repositories: readonly FetchRepository[];
  /** A backup that holds WAL of its own, in the repository of this name; null where none does. */
  readonly backup: { readonly repository: string; readonly point: string } | null;
  /** The timeline that recovery follows, and how one gets there; null: not known. */
  readonly target: {
    readonly timeline: number;
    readonly switches: readonly { readonly parent: number; readonly switchedAt: string }[];
  } | null;
  /** Segments that were there when the recovery was planned, as first and last name: these are never "absent". */
  readonly known: readonly { readonly from: string; readonly until: string }[];
  /** Directories with WAL that never reached an archive (pg_wal of a crashed server). */
  readonly savedWal: readonly string[];
  /** How many segments are kept ready. */
  readonly ahead: number;
  /** How long errors are retried before recovery is stopped; in standby mode, where stopping costs more, much longer. */
  readonly patienceSeconds: number;
  readonly standbyPatienceSeconds: number;
}

export interface FetchRepository {
  readonly name: string;
  readonly url: string;
  readonly format: string;
  readonly options: { readonly [key: string]: Json };
  /** Nothing is ever stored there. */
  readonly readOnly?: boolean;
}

export const fetchConfigDefaults = {
  schema: "pgrescue.fetch/v1",
  backup: null,
  target: null,
  known: [],
  savedWal: [],
  ahead: 8,
  patienceSeconds: 10,
  standbyPatienceSeconds: 600,
} as const satisfies Partial<FetchConfig>;

/** Reads fetch.json. Throws `config` saying what is wrong with it: it is written by us, so it is checked, not repaired. */
export async function readFetchConfig(file: string): Promise<FetchConfig> {
  let raw: unknown;
  try {
    raw = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw broken(file, messageOf(error));
  }
  const config = raw as Partial<FetchConfig> | null;
  if (config === null || typeof config !== "object") throw broken(file, "it is not an object");
  if (config.schema !== "pgrescue.fetch/v1") throw broken(file, `its schema is ${JSON.stringify(config.schema)}`);
  if (typeof config.systemIdentifier !== "string" || !/^\d+$/.test(config.systemIdentifier)) {
    throw broken(file, "systemIdentifier is missing");
  }
  if (!Number.isInteger(config.segmentSize)) throw broken(file, "segmentSize is missing");
  if (typeof config.cluster !== "string" || typeof config.dataDirectory !== "string") {
    throw broken(file, "cluster or dataDirectory is missing");
  }
  if (!Array.isArray(config.repositories) || !config.repositories.every(isRepository)) {
    throw broken(file, "repositories are missing");
  }
  return { ...fetchConfigDefaults, ...(config as FetchConfig) };
}

/** The target's history as the domain knows it; null where the target is not known. Throws `config` for a bad LSN. */
export function historyOf(config: FetchConfig): TimelineHistory | null {
  if (config.target === null) return null;
  const switches = config.target.switches.map(({ parent, switchedAt }) => {
    const at = parseLsn(switchedAt);
    if (at === null) throw new PgrescueError("config", `${JSON.stringify(switchedAt)} in fetch.json is not an LSN`);
    return { parent, switchedAt: at, reason: "" };
  });
  return { timeline: config.target.timeline, switches };
}

function isRepository(entry: unknown): boolean {
  const { url, name } = (entry ?? {}) as Partial<FetchRepository>;
  return typeof url === "string" && typeof name === "string";
}

function broken(file: string, found: string): PgrescueError {
  return new PgrescueError("config", `cannot use ${file}: ${found}`, {
    means: "Recovery cannot ask for WAL; it stops here and loses nothing.",
    next: "Configure the recovery again (`pgrescue continue`, or `pgrescue plan --emit recovery` for one made by hand), then start the server again.",
  });
}
