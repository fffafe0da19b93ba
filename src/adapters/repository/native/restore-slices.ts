import { PgrescueError } from "../../../domain/errors.ts";
import type { IndexEntry, IndexFrame, IndexMember } from "./archive-index.ts";

export type FileMember = Extract<IndexMember, { type: "file" }>;

/** A piece of a file that stands in one frame. */
export interface Slice {
  readonly file: FileMember;
  /** Where in the file. */
  readonly at: number;
  /** Where in the frame's content. */
  readonly from: number;
  readonly length: number;
}

/** A frame with the files' pieces in it, in order. */
export interface FrameSlices {
  readonly frame: IndexFrame;
  readonly members: readonly IndexMember[];
  readonly slices: readonly Slice[];
}

/** Cuts files along frames as the index tells them. Throws `damaged-data` for pieces outside their frame. */
export async function* slicesOf(entries: AsyncIterable<IndexEntry>, what: string): AsyncIterable<FrameSlices> {
  let open: { readonly file: FileMember; readonly at: number } | null = null;
  for await (const { frame, members } of entries) {
    const slices: Slice[] = [];
    const take = (file: FileMember, at: number, from: number): { file: FileMember; at: number } | null => {
      const length = Math.min(file.size - at, frame.bytes - from);
      if (length < 0)
        throw new PgrescueError("damaged-data", `${what} puts ${file.path} outside of frame ${frame.number}`);
      slices.push({ file, at, from, length });
      return at + length < file.size ? { file, at: at + length } : null;
    };
    if (open !== null) open = take(open.file, open.at, 0);
    for (const member of members) {
      if (member.type !== "file") continue;
      if (open !== null)
        throw new PgrescueError("damaged-data", `${what} begins ${member.path} within ${open.file.path}`);
      open = take(member, 0, member.offset);
    }
    yield { frame, members, slices };
  }
  if (open !== null) throw new PgrescueError("damaged-data", `${what} ends within ${open.file.path}`);
}
