import { hash } from "node:crypto";
import { PgrescueError } from "../../../domain/errors.ts";
import type { IndexFrame } from "./archive-index.ts";
import { releaseBytes } from "../../system/release-bytes.ts";
import type { ContentStore } from "./sealed-store.ts";
import { decompressFrame } from "./zstd-frames.ts";

/** The content of one frame of an archive, verified before it is decompressed. Throws `damaged-data` naming frame and object. */
export async function readFrame(store: ContentStore, key: string, frame: IndexFrame): Promise<Uint8Array> {
  const what = `frame ${frame.number} of ${key}`;
  const stored = await store.get(key, { offset: frame.offset, length: frame.length }).catch((error: unknown) => {
    if (!(error instanceof PgrescueError) || error.code !== "damaged-data") throw error;
    throw new PgrescueError("damaged-data", `${what} is cut off`, { cause: error });
  });
  if (stored === null) throw new PgrescueError("damaged-data", `${key} is missing in ${store.url}`);
  if (stored.length !== frame.length || hash("sha256", stored) !== frame.sha256) {
    throw new PgrescueError("damaged-data", `${what} is not what was written: its SHA-256 differs`);
  }
  const content = await decompressFrame(stored, frame.bytes, what);
  releaseBytes(stored);
  return content;
}
