import type { DumpCatalog, TableContent } from "../../../../domain/dump.ts";
import type { Verdict } from "../../../../domain/verdict.ts";
import type { DumpRestoreRequest } from "../../../../ports/dump-restore.ts";
import type { Sql } from "../../../../ports/sql.ts";
import type { Report } from "../../backup/taking.ts";
import { contentOf, fingerprintMethod, listTables, type Table } from "../contents.ts";
import { beginSnapshot } from "../snapshot.ts";

/** How long to wait for a table in a database that nobody else uses yet. */
const lockTimeoutSeconds = 60;
const mostNamed = 5;

/** Counts what is in the restored database and compares it with the dump's own count, table by table. */
export async function compareContents(
  sql: Sql,
  request: DumpRestoreRequest,
  catalog: DumpCatalog | null,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  if (catalog === null) {
    report.verdict({
      ...rows,
      result: "unknown",
      evidence: "the dump does not say how many rows it has",
    });
    return;
  }
  await beginSnapshot(sql, lockTimeoutSeconds);
  const [encoding] = await sql.query<{ name: string }>("select current_setting('server_encoding') as name");
  const there = new Map((await listTables(sql)).map((table) => [nameOf(table), table]));
  const wanted = catalog.tables.filter((table) => isChosen(table, request));
  const found: Compared[] = [];
  for (const [done, expected] of wanted.entries()) {
    signal.throwIfAborted();
    report.progress({ done, total: wanted.length, unit: "checks", doing: `counting ${nameOf(expected)}` });
    const table = there.get(nameOf(expected));
    const content =
      table === undefined || expected.rows === null
        ? null
        : await contentOf(sql, table, encoding?.name ?? "UTF8", {
            fingerprint: expected.fingerprint !== null && comparable(catalog, expected, table),
          });
    found.push({ expected, isThere: table !== undefined, content });
  }
  report.verdict(rowsVerdict(found));
  report.verdict(fingerprintVerdict(found));
}

interface Compared {
  readonly expected: TableContent;
  readonly isThere: boolean;
  /** null: it was not counted. */
  readonly content: TableContent | null;
}

const rows = { check: "dump.rows", title: "Every table has the rows that were dumped", rung: "sense" } as const;
const contents = { check: "dump.fingerprints", title: "The rows say what was dumped", rung: "sense" } as const;

function rowsVerdict(found: readonly Compared[]): Verdict {
  const missing = found.filter((f) => !f.isThere).map((f) => `${nameOf(f.expected)} is missing`);
  const other = found
    .filter((f) => f.content !== null && f.content.rows !== f.expected.rows)
    .map((f) => `${nameOf(f.expected)} has ${f.content?.rows} rows instead of ${f.expected.rows}`);
  const bad = [...missing, ...other];
  const mend = "Look at what pg_restore said; the dump itself can be checked with `pgrescue verify`.";
  if (bad.length > 0) return { ...rows, result: "fail", evidence: some(bad), mend, data: [...bad] };
  const counted = found.filter((f) => f.content !== null);
  if (counted.length < found.length)
    return {
      ...rows,
      result: "unknown",
      evidence: `${found.length} tables are there; the dump did not count their rows`,
    };
  const total = counted.reduce((sum, f) => sum + (f.content?.rows ?? 0), 0);
  return { ...rows, result: "pass", evidence: `${counted.length} tables, ${total} rows, exactly` };
}

function fingerprintVerdict(found: readonly Compared[]): Verdict {
  const asked = found.filter((f) => f.expected.fingerprint !== null);
  if (asked.length === 0) return { ...contents, result: "skip", evidence: "the dump was taken without --fingerprint" };
  const bad = asked
    .filter((f) => f.content?.fingerprint != null && f.content.fingerprint !== f.expected.fingerprint)
    .map((f) => nameOf(f.expected));
  const mend = "The restored rows are not those that were dumped: do not use them before you know why.";
  if (bad.length > 0) return { ...contents, result: "fail", evidence: `other content in ${some(bad)}`, mend };
  const unknown = asked.filter((f) => f.content?.fingerprint == null).map((f) => nameOf(f.expected));
  if (unknown.length > 0)
    return { ...contents, result: "unknown", evidence: `could not be compared: ${some(unknown)}` };
  const left = asked.reduce((sum, f) => sum + f.expected.leftOut.length, 0);
  return {
    ...contents,
    result: "pass",
    evidence: `${asked.length} tables have the same content${left === 0 ? "" : `; ${left} columns with the server's own numbers are left out`}`,
  };
}

/** Whether the same columns can be hashed on both sides, in the same way. */
function comparable(catalog: DumpCatalog, expected: TableContent, table: Table): boolean {
  return catalog.fingerprintMethod === fingerprintMethod && expected.leftOut.join("\n") === table.leftOut.join("\n");
}

function isChosen({ schema, name }: TableContent, { schemas, tables }: DumpRestoreRequest): boolean {
  return (schemas.length === 0 || schemas.includes(schema)) && (tables.length === 0 || tables.includes(name));
}

function nameOf({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return `${schema}.${name}`;
}

function some(names: readonly string[]): string {
  const more = names.length - mostNamed;
  return names.slice(0, mostNamed).join(", ") + (more > 0 ? `, and ${more} more` : "");
}
