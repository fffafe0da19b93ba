import { PgrescueError } from "../../../domain/errors.ts";
import type { Tablespace } from "../../../domain/recovery-point.ts";
import { parseWalFileName } from "../../../domain/segment.ts";
import type { ConnectionTarget } from "../../../ports/sql.ts";
import type { ArchiveWriter } from "../../../ports/repository.ts";
import { watchSession } from "./backup-session.ts";
import { BaseBackupStream } from "./copy-stream.ts";
import { connectReplication } from "./replication-connection.ts";
import { tablespaceNames } from "./tablespaces.ts";
import { tarMembers, type TarMember } from "../../system/tar-stream.ts";
import type { Taken, Taking } from "./taking.ts";

/**
 * Takes the backup through the replication protocol's BASE_BACKUP. The result is as the local source's: tablespaces as
 * links, backup_label inside base, the server's own manifest. Page checksums are verified by the server.
 */
export async function takeRemote(taking: Taking, target: ConnectionTarget): Promise<Taken> {
  const { facts, report, writer, signal } = taking;
  if (!facts.mayReplicate)
    throw new PgrescueError("precondition-refused", "the role may not use the replication protocol", {
      next: `Run ALTER ROLE "${target.user}" REPLICATION on the primary.`,
    });
  const names = await tablespaceNames(taking.sql);
  const connection = await connectReplication(target, taking.sql);
  const stop = (): void => connection.close();
  signal.addEventListener("abort", stop);
  let death: PgrescueError | null = null;
  const endWatch = watchSession(taking.sql, (error) => {
    death = error;
    stop();
  });
  try {
    signal.throwIfAborted();
    report.progress({ done: 0, total: facts.bytes, unit: "bytes", doing: "waiting for the checkpoint" });
    connection.send(command(taking));
    const stream = new BaseBackupStream(connection.reader, facts.major);
    const copy = new RemoteCopy(taking, stream);
    const tablespaces: Tablespace[] = [];
    for (let section = await stream.section(); section !== null; section = await stream.section()) {
      const before = copy.bytes;
      if (section.kind === "manifest") {
        await writer.put("backup_manifest", copy.rest());
        continue;
      }
      const { oid } = section;
      await copy.archive(oid === null ? "base" : String(oid));
      const announced = stream.tablespaces.find((t) => t.oid === oid);
      if (oid !== null)
        tablespaces.push({
          oid,
          name: names.get(oid) ?? String(oid),
          location: announced?.location ?? "",
          bytes: copy.bytes - before,
        });
    }
    const { start, end } = stream;
    if (start === null || end === null || !copy.hasBase)
      throw new PgrescueError("external-failure", "the server ended the backup early");
    if (start.timeline !== end.timeline)
      throw new PgrescueError(
        "external-failure",
        `the server changed from timeline ${start.timeline} to ${end.timeline} during the backup`,
        { next: "Take the backup again." },
      );
    const warnings = judgePages(taking, stream);
    return {
      timeline: start.timeline,
      startLsn: start.lsn,
      stopLsn: end.lsn,
      bytes: copy.bytes,
      tablespaces: tablespaces.sort((a, b) => a.oid - b.oid),
      warnings,
      walStored: copy.walStored,
    };
  } catch (error) {
    throw death ?? error;
  } finally {
    signal.removeEventListener("abort", stop);
    await endWatch();
    connection.close();
  }
}

function command({ facts, request, includeWal }: Taking): string {
  const label = `'${request.label.replaceAll("'", "''")}'`;
  if (facts.major >= 15) {
    const options = [
      `LABEL ${label}`,
      "PROGRESS",
      `CHECKPOINT '${request.checkpoint}'`,
      "WAIT false",
      `WAL ${includeWal}`,
      "MANIFEST 'yes'",
    ];
    return `BASE_BACKUP (${options.join(", ")})`;
  }
  const words = [
    `LABEL ${label}`,
    "PROGRESS",
    ...(request.checkpoint === "fast" ? ["FAST"] : []),
    ...(includeWal ? ["WAL"] : []),
    "NOWAIT",
    ...(facts.major >= 13 ? ["MANIFEST 'yes'"] : []),
  ];
  return `BASE_BACKUP ${words.join(" ")}`;
}

/** From the server's tar streams into the backup. */
class RemoteCopy {
  bytes = 0;
  hasBase = false;
  readonly walStored = new Set<string>();
  readonly #taking: Taking;
  readonly #stream: BaseBackupStream;

  constructor(taking: Taking, stream: BaseBackupStream) {
    this.#taking = taking;
    this.#stream = stream;
  }

  async archive(name: string): Promise<void> {
    const archive = await this.#taking.writer.archive(name);
    for await (const member of tarMembers((into) => this.#stream.read(into))) {
      this.#taking.signal.throwIfAborted();
      if (name === "base" && /^pg_wal\/./.test(member.path) && member.type === "file") await this.#wal(member);
      else await this.#member(archive, member, name);
    }
    await archive.finish();
    if (name === "base") this.hasBase = true;
  }

  async #member(archive: ArchiveWriter, member: TarMember, name: string): Promise<void> {
    const { type, path, attributes } = member;
    if (type === "directory") return archive.directory(path, attributes);
    if (type === "link") {
      if (name !== "base" || !/^pg_tblspc\/\d+$/.test(path))
        throw new PgrescueError("external-failure", `the server sent a link where none belongs: ${path}`);
      return archive.link(path, member.target, { mode: 0o777, mtime: attributes.mtime });
    }
    return archive.file(path, member.size, attributes, async (into) => {
      let filled = 0;
      while (filled < into.length) {
        const count = await member.read(into.subarray(filled));
        if (count === 0) break;
        filled += count;
      }
      this.#count(filled, name);
      return filled;
    });
  }

  /** WAL that the server adds to base: stored beside the archives, its status files are of no use elsewhere. */
  async #wal(member: TarMember): Promise<void> {
    const name = member.path.slice("pg_wal/".length);
    const kind = parseWalFileName(name)?.kind;
    if (kind !== "segment" && kind !== "history") return;
    if (member.size > this.#taking.facts.segmentSize)
      throw new PgrescueError("external-failure", `the server sent ${name} with ${member.size} bytes`);
    const content = new Uint8Array(member.size);
    for (let filled = 0; filled < content.length;) filled += await member.read(content.subarray(filled));
    await this.#taking.writer.putWal(name, content);
    this.walStored.add(name);
  }

  /** What is left of the current section. */
  async *rest(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = new Uint8Array(64 * 1024);
      const count = await this.#stream.read(chunk);
      if (count === 0) return;
      yield chunk.subarray(0, count);
    }
  }

  #count(bytes: number, archive: string): void {
    this.bytes += bytes;
    const announced = this.#stream.tablespaces.reduce<number | null>(
      (sum, t) => (sum === null || t.bytes === null ? null : sum + t.bytes),
      0,
    );
    const total = announced ?? this.#taking.facts.bytes;
    const doing = archive === "base" ? "receiving the data directory" : `receiving tablespace ${archive}`;
    this.#taking.report.progress({
      done: this.bytes,
      total: total === null ? null : Math.max(total, this.bytes),
      unit: "bytes",
      doing,
    });
  }
}

/** The server names damaged pages in notices and says at its end that there were any. */
function judgePages({ facts, report }: Taking, stream: BaseBackupStream): readonly string[] {
  if (!facts.dataChecksums) return [];
  const title = "Page checksums of the server's files";
  const found = stream.notices.filter((text) => /checksum verification (?:failed|failure)/.test(text));
  if (!stream.checksumFailure && found.length === 0) {
    report.verdict({
      check: "backup.pages",
      title,
      result: "pass",
      evidence: "the server found every page as its checksum says",
      rung: "bytes",
    });
    return [];
  }
  const warnings = found.length === 0 ? ["the server found pages with bad checksums"] : found.slice(0, 100);
  report.verdict({
    check: "backup.pages",
    title,
    result: "warn",
    evidence: warnings[0] ?? "",
    rung: "bytes",
    data: [...warnings],
    mend: "The server's own files are damaged. Keep older backups; restore one elsewhere with all the WAL, which rewrites most pages.",
  });
  return warnings;
}
