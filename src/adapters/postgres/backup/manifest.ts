import { createHash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { formatLsn, type Lsn } from "../../../domain/lsn.ts";
import type { TimelineId } from "../../../domain/segment.ts";

export interface ManifestFile {
  /** Relative to the data directory; tablespaces' files as pg_tblspc/<oid>/... */
  readonly path: string;
  readonly size: number;
  /** Whole seconds since 1970. */
  readonly mtime: number;
  readonly sha256: string;
}

export interface WalRange {
  readonly timeline: TimelineId;
  readonly start: Lsn;
  readonly end: Lsn;
}

const buffered = 256 * 1024;

/**
 * A backup_manifest of version 1 as pg_verifybackup reads it (PostgreSQL manual, "Backup Manifest Format"), with SHA-256
 * per file. The list of files is kept on disk until the end, so that memory does not grow with their number.
 */
export class ManifestCollector {
  readonly #handle: FileHandle;
  #lines: string[] = [];
  #length = 0;
  #count = 0;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** `directory`: an existing one for the list; what an earlier attempt left there is overwritten. */
  static async open(directory: string): Promise<ManifestCollector> {
    return new ManifestCollector(await open(join(directory, "backup_manifest.files"), "w+", 0o600));
  }

  async add(file: ManifestFile): Promise<void> {
    const modified = new Date(file.mtime * 1000)
      .toISOString()
      .replace("T", " ")
      .replace(/\.\d+Z$/, " GMT");
    const line = `${this.#count++ === 0 ? "" : ",\n"}{ "Path": ${JSON.stringify(file.path)}, "Size": ${file.size}, "Last-Modified": "${modified}", "Checksum-Algorithm": "SHA256", "Checksum": "${file.sha256}" }`;
    this.#lines.push(line);
    this.#length += line.length;
    if (this.#length > buffered) await this.#flush();
  }

  async #flush(): Promise<void> {
    const text = this.#lines.join("");
    this.#lines = [];
    this.#length = 0;
    await this.#handle.appendFile(text);
  }

  /** The finished document. `ranges`: the WAL that the backup needs. */
  async *document(ranges: readonly WalRange[]): AsyncGenerator<Uint8Array> {
    await this.#flush();
    const hash = createHash("sha256");
    const part = (bytes: Uint8Array): Uint8Array => {
      hash.update(bytes);
      return bytes;
    };
    yield part(Buffer.from('{ "PostgreSQL-Backup-Manifest-Version": 1,\n"Files": [\n'));
    for (let at = 0; ;) {
      const chunk = new Uint8Array(buffered);
      const { bytesRead } = await this.#handle.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      yield part(chunk.subarray(0, bytesRead));
    }
    const wal = ranges.map(
      (r) => `{ "Timeline": ${r.timeline}, "Start-LSN": "${formatLsn(r.start)}", "End-LSN": "${formatLsn(r.end)}" }`,
    );
    yield part(Buffer.from(`\n],\n"WAL-Ranges": [\n${wal.join(",\n")}\n],\n`));
    yield Buffer.from(`"Manifest-Checksum": "${hash.digest("hex")}"}\n`);
  }

  /** Gives the list's space back. */
  async close(): Promise<void> {
    await this.#handle.truncate(0).catch(() => undefined);
    await this.#handle.close();
  }
}
