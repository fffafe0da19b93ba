import { parseWalFileName } from "../../../domain/segment.ts";

/** A WAL file in a listing: PostgreSQL's name with what a compressor put behind it. */
export interface WalObject {
  /** With its slash at the end; "" at the root. */
  readonly folder: string;
  /** PostgreSQL's name. */
  readonly name: string;
  /** `.gz` and the like; "" where there is none. */
  readonly suffix: string;
  readonly size: number;
}

const pattern =
  /^((?:[0-9A-F]{24}(?:\.partial|\.[0-9A-F]{8}\.backup)?)|(?:[0-9A-F]{8}\.history))(\.(?:gz|zst|zstd|lz4|bz2|xz))?$/;

/** The WAL file behind a key; null for other objects. */
export function walObject(key: string, size: number): WalObject | null {
  const slash = key.lastIndexOf("/") + 1;
  const m = pattern.exec(key.slice(slash));
  return m === null ? null : { folder: key.slice(0, slash), name: m[1] ?? "", suffix: m[2] ?? "", size };
}

/** Segments that follow each other, lie in one folder, bear the same suffix and, where they bear none, have one size. */
export interface SegmentRun {
  readonly folder: string;
  readonly suffix: string;
  /** null where they are compressed. */
  readonly size: number | null;
  readonly first: string;
  readonly last: string;
}

/** Collects the WAL of one place in memory that is bounded by its gaps, not by its segments. Objects must come in byte order. */
export class WalListing {
  readonly runs: SegmentRun[] = [];
  readonly others: WalObject[] = [];

  add(object: WalObject): void {
    if (parseWalFileName(object.name)?.kind !== "segment") {
      this.others.push(object);
      return;
    }
    const { folder, suffix, name } = object;
    const size = suffix === "" ? object.size : null;
    const last = this.runs.at(-1);
    if (last?.folder === folder && last.suffix === suffix && last.size === size && isNext(last.last, name))
      this.runs[this.runs.length - 1] = { ...last, last: name };
    else this.runs.push({ folder, suffix, size, first: name, last: name });
  }
}

/** Within one log file: how many segments that has depends on their size, which a name does not tell. */
function isNext(before: string, name: string): boolean {
  return (
    before.slice(0, 16) === name.slice(0, 16) &&
    Number.parseInt(name.slice(16), 16) === Number.parseInt(before.slice(16), 16) + 1
  );
}

/** The folder that belongs together: one level up where segments lie in folders by their first 16 digits. */
export function placeOfFolder(folder: string): string {
  return folder.replace(/(?<=^|\/)[0-9A-F]{16}\/$/, "");
}
