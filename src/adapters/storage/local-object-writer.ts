import { releaseBytes } from "../system/release-bytes.ts";
import { removeOwn } from "../system/remove.ts";
import type { Metadata, ObjectWriter } from "../../ports/object-store.ts";
import { storeError } from "./local-errors.ts";
import { createTemporary, publish } from "./local-writing.ts";

/** After so many bytes the disk begins to write, so that the fsync at the end finds little left. */
const flushEvery = 64 * 1024 * 1024;

/** Streams into a hidden temporary file that gets its name only on commit. */
export async function openLocalWriter(
  root: string,
  path: string,
  metadata: Metadata | undefined,
): Promise<ObjectWriter> {
  const { handle, temporary } = await createTemporary(root, path);
  let state: "open" | "done" = "open";
  let unflushed = 0;
  let flushing: Promise<void> | null = null;
  let flushError: unknown = null;

  async function abort(): Promise<void> {
    if (state === "done") return;
    state = "done";
    await flushing;
    await handle.close().catch(() => undefined);
    await removeOwn(temporary, { within: root });
  }

  function flushInBackground(): void {
    unflushed = 0;
    flushing = handle
      .datasync()
      .catch((error: unknown) => {
        flushError = error;
      })
      .finally(() => {
        flushing = null;
      });
  }

  async function guarded(doing: string, work: () => Promise<void>): Promise<void> {
    try {
      if (flushError !== null) throw flushError;
      await work();
    } catch (error) {
      await abort();
      throw storeError(error, `${doing} ${path}`);
    }
  }

  return {
    write: (chunk) =>
      guarded("writing", async () => {
        for (let from = 0; from < chunk.length;) from += (await handle.write(chunk, from)).bytesWritten;
        unflushed += chunk.length;
        releaseBytes(chunk);
        if (unflushed >= flushEvery && flushing === null) flushInBackground();
      }),
    commit: () =>
      guarded("writing", async () => {
        if (state === "done") return;
        await flushing;
        if (flushError !== null) throw flushError;
        await handle.sync();
        await handle.close();
        await publish(root, temporary, path, metadata);
        state = "done";
      }),
    abort,
  };
}
