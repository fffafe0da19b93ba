import { PgrescueError } from "../../../domain/errors.ts";

/** The fields of an ErrorResponse or NoticeResponse by their letters (manual, 55.8): S severity, C SQLSTATE, M message, D detail, H hint. */
export function messageFields(body: Buffer): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (let at = 0; at < body.length && body[at] !== 0;) {
    const end = body.indexOf(0, at + 1);
    if (end < 0) break;
    fields.set(String.fromCharCode(body[at] ?? 0), body.toString("utf8", at + 1, end));
    at = end + 1;
  }
  return fields;
}

/** The server's error as ours. */
export function serverError(fields: ReadonlyMap<string, string>): PgrescueError {
  const state = fields.get("C") ?? "";
  const detail = fields.get("D");
  const hint = fields.get("H");
  return new PgrescueError(
    state.startsWith("28") ? "credentials" : "external-failure",
    `the server refused: ${fields.get("M") ?? "no message"}${detail === undefined ? "" : `; ${detail}`} (${state})`,
    hint === undefined ? {} : { next: hint },
  );
}

/** The columns of a DataRow as text. */
export function rowColumns(body: Buffer): readonly (string | null)[] {
  const columns: (string | null)[] = [];
  let at = 2;
  for (let left = body.readUInt16BE(0); left > 0; left--) {
    const length = body.readInt32BE(at);
    at += 4;
    columns.push(length < 0 ? null : body.toString("utf8", at, at + length));
    at += Math.max(length, 0);
  }
  return columns;
}
