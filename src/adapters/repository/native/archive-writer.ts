import { PgrescueError } from "../../../domain/errors.ts";
import type { ArchiveWriter, FileAttributes, FillBuffer } from "../../../ports/repository.ts";
import type { IndexMember } from "./archive-index.ts";
import type { FramePipeline } from "./frame-pipeline.ts";
import type { StoredObject } from "./hashed-object.ts";
import { paddingOf, tarEnd, tarHeader } from "./tar-header.ts";

/** What the commit document says of an archive. */
export interface ArchiveSummary {
  readonly name: string;
  /** Members that are files. */
  readonly files: number;
  /** Of the tar stream, uncompressed. */
  readonly bytes: number;
  readonly frames: number;
  readonly objects: readonly StoredObject[];
}

/** Writes tar members into the frames of a pipeline. Members follow each other; `finished` is called once at the end. */
export function archiveWriter(
  name: string,
  pipeline: FramePipeline,
  finished: (summary: ArchiveSummary) => void,
): ArchiveWriter {
  let buffer: Uint8Array | null = null;
  let position = 0;
  let members: IndexMember[] = [];
  let [frame, bytes, files] = [0, 0, 0];

  /** The buffer under way, with room for at least one byte. */
  async function current(): Promise<Uint8Array> {
    if (buffer !== null && position === buffer.length) cut();
    buffer ??= await pipeline.take();
    return buffer;
  }

  function cut(): void {
    if (buffer === null || position === 0) return;
    pipeline.submit(buffer, position, members);
    bytes += position;
    [buffer, position, members, frame] = [null, 0, [], frame + 1];
  }

  async function append(content: Uint8Array): Promise<void> {
    for (let from = 0; from < content.length;) {
      const into = await current();
      const length = Math.min(content.length - from, into.length - position);
      into.set(content.subarray(from, from + length), position);
      position += length;
      from += length;
    }
  }

  /** Writes a header so that its member's first byte is in the same frame. */
  async function begin(header: Uint8Array, size: number): Promise<void> {
    const into = await current();
    const room = into.length - position;
    const worthIt = position >= into.length / 8 && header.length + size > room;
    if (worthIt || room < header.length + Math.min(size, 1)) cut();
    await append(header);
  }

  async function copy(size: number, fill: FillBuffer): Promise<void> {
    let ended = false;
    for (let left = size; left > 0;) {
      const into = await current();
      const part = into.subarray(position, position + Math.min(left, into.length - position));
      const filled: number = ended ? 0 : await fill(part);
      if (filled > part.length) throw new PgrescueError("bug", `${filled} bytes were filled into ${part.length}`);
      ended ||= filled === 0;
      if (ended) part.fill(0);
      position += ended ? part.length : filled;
      left -= ended ? part.length : filled;
    }
    await append(new Uint8Array(paddingOf(size)));
  }

  return {
    directory: async (path, { mode, mtime }) => {
      await begin(tarHeader({ path, type: "directory", size: 0, mode, mtime }), 0);
      members.push({ type: "directory", path, mode, mtime });
    },
    link: async (path, target, { mode, mtime }) => {
      await begin(tarHeader({ path, type: "link", size: 0, mode, mtime, link: target }), 0);
      members.push({ type: "link", path, target, mode, mtime });
    },
    file: async (path: string, size: number, { mode, mtime }: FileAttributes, fill: FillBuffer) => {
      await begin(tarHeader({ path, type: "file", size, mode, mtime }), size);
      members.push({ type: "file", path, size, mode, mtime, frame, offset: position });
      files++;
      await copy(size, fill);
    },
    finish: async () => {
      await append(tarEnd);
      cut();
      const { archive, index, frames } = await pipeline.finish();
      finished({ name, files, bytes, frames, objects: [archive, index] });
    },
  };
}
