/** What a line of a SQL dump is, to whoever must not run all of it. */
export type SqlLine =
  | { readonly kind: "text" }
  /** psql's own guard, which stands in dumps of newer programs: its key is the dump's. */
  | { readonly kind: "guard" }
  /** The dump goes on in another database. */
  | { readonly kind: "connect"; readonly database: string }
  /** The header of the next database's part of a pg_dumpall. */
  | { readonly kind: "part" };

const text = { kind: "text" } as const;

/** Reads the lines of a SQL dump: rows of COPY are rows, whatever they look like. */
export class SqlLines {
  #isCopying = false;

  /** Says what the next line is; without its line break. */
  next(line: string): SqlLine {
    if (this.#isCopying) {
      if (line === String.raw`\.`) this.#isCopying = false;
      return text;
    }
    if (/^COPY .* FROM stdin;$/i.test(line)) this.#isCopying = true;
    else if (/^\\(?:un)?restrict\s/.test(line)) return { kind: "guard" };
    else if (/^-- Database ".*" dump$/.test(line)) return { kind: "part" };
    else if (line.startsWith(String.raw`\connect `)) {
      const database = connectTarget(line.slice(9));
      if (database !== null) return { kind: "connect", database };
    }
    return text;
  }
}

/** `shop`, `"odd name"`, or `-reuse-previous=on "dbname='it\'s'"`; null: not understood. */
function connectTarget(words: string): string | null {
  const bare = /^([A-Za-z0-9_$-]+)\s*$/.exec(words)?.[1];
  if (bare !== undefined) return bare;
  const quoted = /^(?:-reuse-previous=on\s+)?"((?:[^"]|"")*)"\s*$/.exec(words)?.[1]?.replaceAll('""', '"');
  if (quoted === undefined) return null;
  const named = /^dbname='((?:[^'\\]|\\.)*)'$/.exec(quoted)?.[1];
  return named === undefined ? quoted : named.replaceAll(/\\(.)/g, "$1");
}
