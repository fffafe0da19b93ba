import { PgrescueError } from "../../../domain/errors.ts";
import { parseLsn, type Lsn } from "../../../domain/lsn.ts";
import type { MessageHead, ProtocolReader } from "./protocol-reader.ts";
import { messageFields, rowColumns, serverError } from "./server-message.ts";

/** A part of BASE_BACKUP's answer: a tar archive of the data directory or a tablespace, or the manifest. */
export type Section = { readonly kind: "archive"; readonly oid: number | null } | { readonly kind: "manifest" };

/** A tablespace as the server announces it; oid null is the data directory. Bytes null without PROGRESS. */
export interface AnnouncedTablespace {
  readonly oid: number | null;
  readonly location: string;
  readonly bytes: number | null;
}

export interface Position {
  readonly lsn: Lsn;
  readonly timeline: number;
}

/**
 * The answer to BASE_BACKUP (manual, 55.4), in both of its forms: up to PostgreSQL 14 one COPY per archive and one for the
 * manifest; since 15 a single COPY whose messages say what they carry. Bulk bytes go straight from the socket to `read`.
 */
export class BaseBackupStream {
  readonly notices: string[] = [];
  /** Null until the server has said it. */
  start: Position | null = null;
  end: Position | null = null;
  tablespaces: AnnouncedTablespace[] = [];
  /** The server found pages with bad checksums: it says so with an error after everything has been sent. */
  checksumFailure = false;
  readonly #reader: ProtocolReader;
  readonly #tagged: boolean;
  #results = 0;
  #copies = 0;
  #left = 0;
  #next: Section | null = null;
  #inCopy = false;
  #ended = false;

  /** `major`: the server's version, which decides the form. */
  constructor(reader: ProtocolReader, major: number) {
    this.#reader = reader;
    this.#tagged = major >= 15;
  }

  /** The next section, once the one before has been read to its end; null when the server is done. */
  async section(): Promise<Section | null> {
    while (this.#next === null && !this.#ended) await this.#advance();
    const section = this.#next;
    this.#next = null;
    return section;
  }

  /** Bytes of the current section: at least one, at most `into.length`; 0 at its end. */
  async read(into: Uint8Array): Promise<number> {
    while (this.#left === 0) {
      if (this.#next !== null || this.#ended || (!this.#tagged && !this.#inCopy)) return 0;
      await this.#advance();
    }
    const count = await this.#reader.into(into.length > this.#left ? into.subarray(0, this.#left) : into);
    this.#left -= count;
    return count;
  }

  async #advance(): Promise<void> {
    const head = await this.#reader.head();
    if (head.type === "d") return this.#copyData(head);
    const body = await this.#reader.body(head.length);
    switch (head.type) {
      case "H":
        this.#inCopy = true;
        if (!this.#tagged) this.#next = this.#untagged();
        break;
      case "c":
        this.#inCopy = false;
        break;
      case "T":
        this.#results += 1;
        break;
      case "D":
        this.#row(rowColumns(body));
        break;
      case "N":
        this.notices.push(messageFields(body).get("M") ?? "");
        break;
      case "E":
        this.#error(messageFields(body));
        break;
      case "Z":
        this.#ended = true;
        break;
      default:
        // CommandComplete, ParameterStatus and the like say nothing that matters here.
        break;
    }
  }

  async #copyData(head: MessageHead): Promise<void> {
    if (!this.#tagged) {
      this.#left = head.length;
      return;
    }
    const kind = String.fromCharCode((await this.#reader.body(1))[0] ?? 0);
    if (kind === "d") {
      this.#left = head.length - 1;
      return;
    }
    const body = await this.#reader.body(head.length - 1);
    if (kind === "m") this.#next = { kind: "manifest" };
    else if (kind === "n") this.#next = archiveSection(body.toString("utf8", 0, Math.max(body.indexOf(0), 0)));
  }

  #untagged(): Section {
    const announced = this.tablespaces[this.#copies++];
    return announced === undefined ? { kind: "manifest" } : { kind: "archive", oid: announced.oid };
  }

  #row(columns: readonly (string | null)[]): void {
    if (this.#results === 2) {
      this.tablespaces.push({
        oid: columns[0] == null ? null : Number(columns[0]),
        location: columns[1] ?? "",
        bytes: columns[2] == null ? null : Number(columns[2]) * 1024,
      });
      return;
    }
    const lsn = parseLsn(columns[0] ?? "");
    if (lsn === null)
      throw new PgrescueError("external-failure", `the server sent ${columns[0]} where a wal position was expected`);
    const position = { lsn, timeline: Number(columns[1]) };
    if (this.#results === 1) this.start = position;
    else this.end = position;
  }

  #error(fields: ReadonlyMap<string, string>): void {
    // data_corrupted after the end position: the backup is whole, the server's pages are not.
    if (fields.get("C") !== "XX001" || this.end === null) throw serverError(fields);
    this.checksumFailure = true;
  }
}

function archiveSection(name: string): Section {
  const m = /^(?:base|([1-9]\d*))\.tar$/.exec(name);
  if (m === null)
    throw new PgrescueError("external-failure", `the server sent an archive named ${JSON.stringify(name)}`);
  return { kind: "archive", oid: m[1] === undefined ? null : Number(m[1]) };
}
