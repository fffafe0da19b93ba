import { messageOf } from "../../../domain/errors.ts";
import { formatInstant } from "../../../domain/instant.ts";
import type { Json } from "../../../domain/brand.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { ConnectionTarget, Sql, SqlConnector } from "../../../ports/sql.ts";
import { configurationFiles } from "./catalog-files.ts";
import {
  collations,
  controlValues,
  databases,
  extensions,
  relations,
  roles,
  sequences,
  settings,
  tablespaces,
  type CatalogDatabase,
} from "./catalog-queries.ts";
import type { ServerFacts } from "./server-facts.ts";
import type { Report } from "./taking.ts";

export interface CatalogOptions {
  readonly sql: Sql;
  readonly facts: ServerFacts;
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly connector: SqlConnector;
  readonly target: ConnectionTarget;
  /** The data directory where it can be read from here. */
  readonly dataDirectory: string | null;
}

/**
 * The catalog (`pgrescue.catalog/v1`): what a destroyed server can no longer tell. One JSON document, written as it is
 * read, so that memory does not grow with the number of relations. Never holds passwords, hashes included. A database that
 * cannot be read is named with the reason and is no failure of the backup.
 *
 * Top level: schema, takenAt, server, control, settings[], configurationFiles[], tablespaces[], roles[], databases[]; each
 * database: oid, name, owner, encoding ..., bytes, extensions[], collations[], sequences[], relations[] and, where it could
 * not be read, error. A relation is [oid, schema, name, kind, relfilenode, tablespace oid, pages, rows, persistence, main
 * relation's oid or 0]: pages and rows are the planner's estimates, rows -1 unknown, tablespace 0 the database's own.
 */
export async function* catalogDocument(options: CatalogOptions): AsyncGenerator<Uint8Array> {
  for await (const text of batched(parts(options))) yield Buffer.from(text);
}

/** Puts small pieces together to about 64 KiB. */
async function* batched(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let held: string[] = [];
  let length = 0;
  for await (const piece of pieces) {
    held.push(piece);
    length += piece.length;
    if (length < 65_536) continue;
    yield held.join("");
    held = [];
    length = 0;
  }
  yield held.join("");
}

async function* parts(options: CatalogOptions): AsyncGenerator<string> {
  const { sql, facts } = options;
  const members: [string, Json][] = [
    ["schema", "pgrescue.catalog/v1"],
    ["takenAt", formatInstant(options.clock.now())],
    [
      "server",
      {
        version: facts.version,
        systemIdentifier: facts.systemIdentifier,
        role: facts.inRecovery ? "standby" : "primary",
        dataDirectory: facts.dataDirectory,
        segmentSize: facts.segmentSize,
        blockSize: facts.blockSize,
        dataChecksums: facts.dataChecksums,
        host: options.target.host,
        port: options.target.port,
      },
    ],
    ["control", await controlValues(sql)],
    ["settings", await settings(sql)],
    ["configurationFiles", await configurationFiles(sql, options.dataDirectory)],
    ["tablespaces", await tablespaces(sql)],
    ["roles", await roles(sql)],
  ];
  yield "{";
  for (const [name, value] of members) yield `${JSON.stringify(name)}: ${JSON.stringify(value)},\n`;
  yield '"databases": [';
  let separator = "\n";
  for (const database of await databases(sql, facts.major)) {
    options.signal.throwIfAborted();
    yield separator;
    yield* databaseParts(options, database);
    separator = ",\n";
  }
  yield "\n]}\n";
}

async function* databaseParts(options: CatalogOptions, database: CatalogDatabase): AsyncGenerator<string> {
  const { allowsConnections, ...described } = database;
  yield JSON.stringify(described).slice(0, -1);
  if (!allowsConnections) {
    yield ', "error": "it allows no connections"}';
    return;
  }
  let sql: Sql | null = null;
  let open = "";
  try {
    sql = await connect(options, database.name);
    yield `, "extensions": ${JSON.stringify(await extensions(sql))}, "collations": ${JSON.stringify(await collations(sql))}`;
    yield `, "sequences": ${JSON.stringify(await sequences(sql))}, "relations": [`;
    open = "]";
    let separator = "\n";
    for await (const relation of relations(sql)) {
      yield separator + JSON.stringify(relation);
      separator = ",\n";
    }
  } catch (error) {
    options.report.log("warn", `the catalog of database ${database.name} could not be read whole: ${messageOf(error)}`);
    yield `${open}, "error": ${JSON.stringify(messageOf(error))}`;
    open = "";
  } finally {
    await sql?.close();
  }
  yield `${open}}`;
}

async function connect(options: CatalogOptions, database: string): Promise<Sql> {
  const sql = await options.connector.connect({ ...options.target, database });
  // Reading names must not wait behind someone's ALTER TABLE.
  await sql.query("set lock_timeout = '2s'");
  await sql.query("set statement_timeout = '60s'");
  return sql;
}
