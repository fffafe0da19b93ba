import type { Lsn } from "../../../domain/lsn.ts";
import type { Verdict } from "../../../domain/verdict.ts";
import { blocksPerSegment } from "./relation-file.ts";
import type { BadPage } from "./page-verifier.ts";

/** How many damaged pages are named one by one. */
const named = 100;

interface Damage {
  readonly file: string;
  readonly block: number;
  readonly lsn: bigint;
}

/** Collects damaged pages of one backup and judges them at its end. */
export class PageDamage {
  #pages: Damage[] = [];
  #files = 0;
  #unjudged = 0;

  /** `block` is counted within the file; `unjudged`: pages whose checksum was wrong and that were not looked at again. */
  add(file: string, bad: readonly BadPage[], unjudged = 0): void {
    this.#unjudged += unjudged;
    if (bad.length > 0) this.#files += 1;
    if (this.#files > 1000) return;
    for (const { block, lsn } of bad) this.#pages.push({ file, block, lsn });
  }

  /**
   * The pages that are really damaged, in words. A page written during the backup may have been read half old, half new:
   * replay brings it back whole. Its LSN then lies between the backup's start and stop.
   */
  judge(start: Lsn, stop: Lsn): { readonly warnings: readonly string[]; readonly verdict: Verdict } {
    const damaged = this.#pages.filter((page) => page.lsn < start || page.lsn > stop);
    const title = "Page checksums of the server's files";
    if (damaged.length === 0 && this.#unjudged > 0) {
      const evidence = `${this.#unjudged} pages changed too much while they were read to be looked at again`;
      return {
        warnings: [evidence],
        verdict: { check: "backup.pages", title, result: "unknown", evidence, rung: "bytes" },
      };
    }
    if (damaged.length === 0) {
      return {
        warnings: [],
        verdict: {
          check: "backup.pages",
          title,
          result: "pass",
          evidence: "every page that was read is as its checksum says",
          rung: "bytes",
        },
      };
    }
    const lines = damaged.slice(0, named).map((page) => `bad checksum in ${page.file}, block ${page.block}`);
    if (damaged.length > named) lines.push(`${damaged.length - named} more pages with bad checksums`);
    return {
      warnings: lines,
      verdict: {
        check: "backup.pages",
        title,
        result: "warn",
        rung: "bytes",
        evidence: `${damaged.length} damaged ${damaged.length === 1 ? "page" : "pages"}, first: ${damaged[0]?.file}, block ${damaged[0]?.block}`,
        mend: "The server's own files are damaged. Keep older backups; restore one elsewhere with all the WAL, which rewrites most pages.",
        data: damaged.slice(0, named).map((page) => ({ file: page.file, block: page.block })),
      },
    };
  }
}

/** The number of a file's first block in its relation fork. */
export function firstBlockOf(segment: number): number {
  return segment * blocksPerSegment;
}
