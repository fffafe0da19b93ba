import { mkdir, open, readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { storedName, type DumpedDatabase } from "../../../../domain/dump.ts";
import { messageOf, PgrescueError } from "../../../../domain/errors.ts";
import type { DumpReader } from "../../../../ports/dump.ts";
import type { DumpFilesRequest } from "../../../../ports/dump-restore.ts";
import { syncDirectory, writeFileDurably } from "../../../system/durable-file.ts";
import type { Report } from "../../backup/taking.ts";

/** Says which run writes a directory: that one may go on, nobody else. */
const markName = ".pgrescue-run";

const endings = { custom: ".dump", tar: ".tar", plain: ".sql", cluster: ".sql", directory: ".dir" } as const;

/**
 * Writes a dump's archives, roles and catalogs into a directory that was empty (0700, files 0600), decrypted and
 * decompressed, each visible only when it is whole. Throws `precondition-refused` for a directory with something else in it.
 */
export async function writeAsFiles(
  request: DumpFilesRequest,
  reader: DumpReader,
  report: Report,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { directory, run } = request;
  await claim(directory, run);
  const written: string[] = [];
  let done = 0;
  const write = async (name: string, content: AsyncIterable<Uint8Array>): Promise<void> => {
    await writeStream(directory, name, content, (bytes) => {
      signal.throwIfAborted();
      report.progress({ done: (done += bytes), total: null, unit: "bytes", doing: `writing ${name}` });
    });
    written.push(name);
  };
  const chosen = reader.databases.filter(({ name }) => request.databases === null || request.databases.includes(name));
  for (const [at, database] of chosen.entries()) {
    const base = nameOf(database, at);
    if (reader.files === undefined) await write(base + endings[database.format], reader.archive(database));
    else {
      await mkdir(join(directory, base + endings.directory), { recursive: true, mode: 0o700 });
      for await (const { name, content } of reader.files(database))
        await write(join(base + endings.directory, name), content);
    }
    const catalog = await reader.catalog(database);
    if (catalog !== null) await write(`${base}.catalog.json`, one(`${JSON.stringify(catalog, null, 1)}\n`));
  }
  for (const { name } of reader.includes) {
    const content = await reader.include(name);
    if (content === null)
      throw new PgrescueError("damaged-data", `${name}, which travels with ${reader.point.id}, is not there`);
    await mkdir(join(directory, "include"), { recursive: true, mode: 0o700 });
    await write(join("include", name), one(content));
  }
  const globals = await reader.globals();
  if (globals !== null) await write("globals.sql", one(globals));
  await syncDirectory(directory);
  return written;
}

function nameOf({ name, oid }: DumpedDatabase, at: number): string {
  const safe = storedName(name, oid);
  return oid === 0 && safe !== name ? `database-${at + 1}` : safe;
}

async function claim(directory: string, run: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const names = await readdir(directory);
    if (names.length === 0) return await writeFileDurably(join(directory, markName), `${run}\n`);
    const mark = await readFile(join(directory, markName), "utf8").catch(() => null);
    if (mark === `${run}\n`) return;
    throw new PgrescueError("precondition-refused", `${directory} is not empty (it holds ${names[0]})`, {
      next: "Give an empty directory with --to.",
    });
  } catch (error) {
    if (error instanceof PgrescueError) throw error;
    throw new PgrescueError("external-failure", `cannot write to ${directory}: ${messageOf(error)}`, { cause: error });
  }
}

async function writeStream(
  directory: string,
  name: string,
  content: AsyncIterable<Uint8Array>,
  seen: (bytes: number) => void,
): Promise<void> {
  const path = join(directory, name);
  const file = await open(`${path}.part`, "w", 0o600);
  try {
    for await (const chunk of content) {
      await file.write(chunk);
      seen(chunk.length);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.part`, path);
}

async function* one(content: string | Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(Buffer.from(content));
}
