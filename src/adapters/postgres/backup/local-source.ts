import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { PgrescueError } from "../../../domain/errors.ts";
import type { ArchiveWriter, FileAttributes } from "../../../ports/repository.ts";
import { archiveFile } from "./archive-file.ts";
import { parseBackupLabel } from "./backup-label.ts";
import { startBackup, stopBackup, watchSession } from "./backup-session.ts";
import { proveLive } from "./data-directory-match.ts";
import { ManifestCollector } from "./manifest.ts";
import { openAhead, type OpenedFile } from "./open-ahead.ts";
import { firstBlockOf, PageDamage } from "./page-damage.ts";
import { PageVerifier } from "./page-verifier.ts";
import { startReadThread, type ReadThread } from "./read-thread.ts";
import { tablespaceLinks, tablespaceNames, type TablespaceLink } from "./tablespaces.ts";
import type { Taken, Taking } from "./taking.ts";
import { walkTree, type TreeOptions } from "./tree.ts";

const control = "global/pg_control";

/**
 * Takes the backup by reading the server's files directly between pg_backup_start and pg_backup_stop: tablespaces first,
 * then the data directory, pg_control last of its files, then backup_label. Tablespaces appear as links in base; there is
 * no tablespace_map, since a server that finds one links pg_tblspc to where it says, production's directories included.
 */
export async function takeLocal(taking: Taking, dataDirectory: string): Promise<Taken> {
  const death = new AbortController();
  const signal = AbortSignal.any([taking.signal, death.signal]);
  const { sql, facts, request, report } = taking;
  report.progress({ done: 0, total: facts.bytes, unit: "bytes", doing: "waiting for the checkpoint" });
  const started = await startBackup(sql, facts, request);
  await proveLive(sql, dataDirectory);
  const links = await tablespaceLinks(dataDirectory, await tablespaceNames(sql));
  const endWatch = watchSession(sql, (error) => death.abort(error));
  const manifest = await ManifestCollector.open(request.scratchDirectory);
  const thread = startReadThread();
  try {
    const copy = new LocalCopy({ ...taking, signal }, manifest, thread);
    const tablespaces = [];
    for (const link of links) tablespaces.push({ ...link, bytes: await copy.tablespace(link) });
    const base = await copy.base(dataDirectory, links);
    await endWatch();
    signal.throwIfAborted();
    const stopped = await stopBackup(sql, facts);
    const label = parseBackupLabel(stopped.label);
    if (label.startLsn !== started)
      throw new PgrescueError("external-failure", "the server ended another backup than the one that was begun");
    await copy.finish(base, stopped.label);
    await taking.writer.put(
      "backup_manifest",
      manifest.document([{ timeline: label.timeline, start: label.startLsn, end: stopped.stopLsn }]),
    );
    const { warnings, verdict } = copy.damage.judge(label.startLsn, stopped.stopLsn);
    if (facts.dataChecksums) report.verdict(verdict);
    return {
      timeline: label.timeline,
      startLsn: label.startLsn,
      stopLsn: stopped.stopLsn,
      bytes: copy.bytes,
      tablespaces,
      warnings,
      walStored: new Set(),
    };
  } finally {
    await endWatch();
    await thread.close();
    await manifest.close();
  }
}

/** The copying itself: from directory trees into archives and the manifest. */
class LocalCopy {
  readonly damage = new PageDamage();
  bytes = 0;
  readonly #taking: Taking;
  readonly #manifest: ManifestCollector;
  readonly #thread: ReadThread;
  #doing = "";

  constructor(taking: Taking, manifest: ManifestCollector, thread: ReadThread) {
    this.#taking = taking;
    this.#manifest = manifest;
    this.#thread = thread;
  }

  /** Archives one tablespace; returns its bytes. */
  async tablespace(link: TablespaceLink): Promise<number> {
    const before = this.bytes;
    const { writer, facts } = this.#taking;
    this.#doing = `reading tablespace ${link.name}`;
    const archive = await writer.archive(String(link.oid));
    await this.#tree(archive, {
      root: link.location,
      from: `PG_${facts.major}_${facts.catalogVersion}`,
      manifestPrefix: `pg_tblspc/${link.oid}/`,
      without: new Set(),
    });
    await archive.finish();
    return this.bytes - before;
  }

  /** Archives the data directory up to pg_control; the archive stays open for what pg_backup_stop will say. */
  async base(dataDirectory: string, links: readonly TablespaceLink[]): Promise<ArchiveWriter> {
    this.#doing = "reading the data directory";
    const archive = await this.#taking.writer.archive("base");
    await this.#tree(archive, { root: dataDirectory, from: "", manifestPrefix: "", without: new Set([control]) });
    const attributes = attributesOf(await stat(join(dataDirectory, "pg_tblspc")));
    for (const link of links)
      await archive.link(`pg_tblspc/${link.oid}`, link.location, { mode: 0o777, mtime: attributes.mtime });
    const path = join(dataDirectory, control);
    await this.#small(archive, control, await readSettled(path), attributesOf(await stat(path)));
    return archive;
  }

  async finish(archive: ArchiveWriter, label: string): Promise<void> {
    await this.#small(archive, "backup_label", Buffer.from(label), {
      mode: 0o600,
      mtime: Math.floor(Date.now() / 1000),
    });
    await archive.finish();
  }

  async #tree(archive: ArchiveWriter, options: TreeOptions): Promise<void> {
    for await (const entry of openAhead(walkTree(options))) {
      if (entry.type === "skipped")
        this.#taking.report.log("warn", `${options.manifestPrefix}${entry.path} is not in the backup: ${entry.reason}`);
      else if (entry.type === "directory") await archive.directory(entry.path, entry.attributes);
      else await this.#file(archive, entry);
    }
  }

  async #file(archive: ArchiveWriter, file: OpenedFile): Promise<void> {
    const { entry } = file;
    const pages =
      this.#taking.facts.dataChecksums && entry.relation !== null
        ? new PageVerifier(firstBlockOf(entry.relation.segment))
        : null;
    const { size, sha256 } = await archiveFile(archive, file, pages, this.#thread, (count) => this.#count(count));
    await this.#manifest.add({ path: entry.manifestPath, size, mtime: file.attributes.mtime, sha256 });
    if (pages !== null && pages.suspects > 0)
      this.damage.add(entry.manifestPath, await pages.confirm(entry.source), pages.unjudged);
  }

  async #small(archive: ArchiveWriter, path: string, content: Uint8Array, attributes: FileAttributes): Promise<void> {
    let at = 0;
    await archive.file(path, content.length, attributes, async (into) => {
      const bytes = content.subarray(at, at + into.length);
      into.set(bytes);
      at += bytes.length;
      return bytes.length;
    });
    await this.#manifest.add({
      path,
      size: content.length,
      mtime: attributes.mtime,
      sha256: createHash("sha256").update(content).digest("hex"),
    });
    this.#count(content.length);
  }

  #count(bytes: number): void {
    this.#taking.signal.throwIfAborted();
    this.bytes += bytes;
    const { bytes: total } = this.#taking.facts;
    this.#taking.report.progress({
      done: this.bytes,
      total: total === null ? null : Math.max(total, this.bytes),
      unit: "bytes",
      doing: this.#doing,
    });
  }
}

/** The content once two looks agree: pg_control is rewritten in place, and half of each would be damage. */
async function readSettled(path: string): Promise<Uint8Array> {
  let last = await readFile(path);
  for (let tries = 0; tries < 50; tries++) {
    const again = await readFile(path);
    if (again.equals(last)) return again;
    last = again;
  }
  throw new PgrescueError("external-failure", `${path} changes faster than it can be read`);
}

function attributesOf(info: { readonly mode: number; readonly mtimeMs: number }): FileAttributes {
  return { mode: info.mode & 0o7777, mtime: Math.floor(info.mtimeMs / 1000) };
}
