import { createHash } from "node:crypto";
import type { BlockBlobClient } from "@azure/storage-blob";
import { PgrescueError } from "../../domain/errors.ts";
import type { ObservedObject } from "../../ports/object-store.ts";
import { isAbsent, isThereAlready } from "./azure-errors.ts";

/** A small blob with its ETag. Throws as the SDK does. */
export async function observeBlob(blob: BlockBlobClient): Promise<ObservedObject> {
  const answer = await blob.download(0, undefined, { maxRetryRequests: 0 });
  const chunks: Buffer[] = [];
  for await (const chunk of answer.readableStreamBody ?? []) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  if (answer.etag === undefined || bytes.length !== answer.contentLength)
    throw new PgrescueError("store-failure", `${blob.name}: the answer broke off after ${bytes.length} bytes`);
  return { bytes, version: answer.etag };
}

/** Overwrites a blob while its ETag is `version`; gives the new one. Throws as the SDK does. */
export async function replaceBlob(
  blob: BlockBlobClient,
  bytes: Uint8Array,
  version: string,
  scope: { readonly encryptionScope?: string },
): Promise<string | null> {
  try {
    const { etag } = await blob.upload(bytes, bytes.length, {
      conditions: { ifMatch: version },
      blobHTTPHeaders: { blobContentMD5: createHash("md5").update(bytes).digest() },
      ...scope,
    });
    if (etag !== undefined) return etag;
  } catch (error) {
    if (isAbsent(error)) return null;
    if (!isThereAlready(error)) throw error;
    // A repeated request whose first answer was lost finds its own work.
  }
  const there = await observeBlob(blob).catch((error: unknown) => {
    if (isAbsent(error)) return null;
    throw error;
  });
  return there !== null && Buffer.compare(there.bytes, bytes) === 0 ? there.version : null;
}
