import { SqlLines } from "../../../domain/dump-sql.ts";

/** The lines of a stream, with their line breaks: rows may hold any bytes, so they stay bytes. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
  let pending: Buffer[] = [];
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      const line = bytes.subarray(from, end + 1);
      yield pending.length === 0 ? line : Buffer.concat([...pending, line]);
      pending = [];
      from = end + 1;
    }
    if (from < bytes.length) pending.push(Buffer.from(bytes.subarray(from)));
  }
  if (pending.length > 0) yield Buffer.concat(pending);
}

/** Only so much of a line is looked at: what matters begins it. */
const telling = 4096;

function textOf(line: Buffer): string {
  return line
    .subarray(0, telling)
    .toString("utf8")
    .replace(/\r?\n$/, "");
}

/** A dump's SQL without psql's guard lines, whose keys are not ours. */
export async function* withoutGuards(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const reader = new SqlLines();
  yield* batched(
    (async function* chosen(): AsyncIterable<Buffer> {
      for await (const line of linesOf(chunks)) if (reader.next(textOf(line)).kind !== "guard") yield line;
    })(),
  );
}

/** What a pg_dumpall says of one database: from where it connects to it until the next one's part. */
export async function* partOf(chunks: AsyncIterable<Uint8Array>, database: string): AsyncIterable<Uint8Array> {
  const reader = new SqlLines();
  yield* batched(
    (async function* chosen(): AsyncIterable<Buffer> {
      let isIn = false;
      for await (const line of linesOf(chunks)) {
        const found = reader.next(textOf(line));
        if (found.kind === "connect") isIn = found.database === database;
        else if (found.kind === "part") isIn = false;
        else if (isIn && found.kind === "text") yield line;
      }
    })(),
  );
}

/** The databases of a pg_dumpall in order, and what stands before the first: roles and tablespaces, at most `limit` bytes of it. */
export async function partsOf(
  chunks: AsyncIterable<Uint8Array>,
  limit: number,
): Promise<{ readonly databases: readonly string[]; readonly globals: string }> {
  const reader = new SqlLines();
  const databases = new Set<string>();
  const before: Buffer[] = [];
  let length = 0;
  for await (const line of linesOf(chunks)) {
    const found = reader.next(textOf(line));
    if (found.kind === "connect") databases.add(found.database);
    else if (databases.size === 0 && length < limit) {
      before.push(Buffer.from(line));
      length += line.length;
    }
  }
  return { databases: [...databases], globals: Buffer.concat(before).toString("utf8") };
}

/** Puts lines together to pieces that are worth a write. */
async function* batched(lines: AsyncIterable<Buffer>): AsyncIterable<Uint8Array> {
  let held: Buffer[] = [];
  let length = 0;
  for await (const line of lines) {
    held.push(Buffer.from(line));
    length += line.length;
    if (length < 65_536) continue;
    yield Buffer.concat(held);
    held = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(held);
}
