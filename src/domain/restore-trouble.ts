/** One error that pg_restore or psql went on after. */
export interface RestoreTrouble {
  /** The entry of the archive's table of contents, `SCHEMA public postgres`; null where it was not said. */
  readonly object: string | null;
  readonly message: string;
}

/**
 * What an error means for the restored data. `harmless`: what should be there is there. `rights`: the data is there, an
 * owner, right or comment is not. `failed`: something is missing.
 */
export type TroubleKind = "harmless" | "rights" | "failed";

const harmless: readonly RegExp[] = [
  /extension "plpgsql" already exists/,
  /schema "public" already exists/,
  /language "plpgsql" already exists/,
  // A setting of a newer pg_dump that an older server does not know.
  /unrecognized configuration parameter "(?:transaction_timeout|idle_session_timeout|default_table_access_method|row_security)"/,
  /must be owner of (?:extension plpgsql|schema public|language plpgsql)/,
  // Azure's own roles are on Azure only.
  /role "(?:azuresu|azure_superuser|azure_pg_admin|rdsadmin|rds_superuser|cloudsqladmin|cloudsqlsuperuser)" does not exist/,
];

const rights: readonly RegExp[] = [
  /role ".*" does not exist/,
  /must be owner of/,
  /must be member of role/,
  /must be able to SET ROLE/,
  /permission denied to (?:change|set|create) (?:owner|role|event trigger|default privileges)/,
  /no privileges (?:were granted|could be revoked)/,
  /must be superuser to (?:comment|set)/,
];

/** Tells how much an error matters; `COMMENT`s and rights of objects that are there cost no data. */
export function kindOfTrouble({ message, object }: RestoreTrouble): TroubleKind {
  if (harmless.some((pattern) => pattern.test(message))) return "harmless";
  if (rights.some((pattern) => pattern.test(message))) return "rights";
  if (/^(?:COMMENT|ACL|DEFAULT ACL|SECURITY LABEL) /.test(object ?? "")) return "rights";
  return "failed";
}

/** Collects errors from the lines that pg_restore or psql write to standard error. At most `most` are kept; all are counted. */
export class TroubleReader {
  readonly found: RestoreTrouble[] = [];
  count = 0;
  /** What was said at last, for programs that ended badly without an error of their own. */
  last = "";
  #entry: string | null = null;
  readonly #most: number;

  constructor(most = 200) {
    this.#most = most;
  }

  line(line: string): void {
    if (line.trim() !== "") this.last = line;
    const entry = /^pg_restore: from TOC entry \d+; \d+ \d+ (.*)$/.exec(line)?.[1];
    if (entry !== undefined) {
      this.#entry = entry;
      return;
    }
    const message =
      /^pg_restore: error: (?:could not execute query: ERROR: +)?(.*)$/.exec(line)?.[1] ??
      /^psql:[^:]*:\d+: (?:ERROR|FATAL|error): +(.*)$/.exec(line)?.[1];
    if (message === undefined) return;
    this.count++;
    if (this.found.length < this.#most) this.found.push({ object: this.#entry, message });
    this.#entry = null;
  }
}
