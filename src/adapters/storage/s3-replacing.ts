import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { PgrescueError } from "../../domain/errors.ts";
import type { ObservedObject } from "../../ports/object-store.ts";
import { repeating } from "./part-reader.ts";
import { isAbsent, isConditionFailed, isConflict, isUnknownCondition, s3Error, type S3Place } from "./s3-errors.ts";
import type { S3Encryption } from "./s3-multipart.ts";

/** Where an object lies, with the prefix in its key, and how it is written. */
export interface S3Object {
  readonly client: S3Client;
  readonly place: S3Place;
  readonly key: string;
  readonly encryption: S3Encryption;
}

/** A small object with its ETag; null when there is none, and perhaps no bucket. */
export async function observeS3({ client, place, key }: S3Object): Promise<ObservedObject | null> {
  return repeating(async () => {
    try {
      const answer = await client.send(new GetObjectCommand({ Bucket: place.bucket, Key: key }));
      const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
      if (answer.ETag === undefined || bytes.length !== answer.ContentLength)
        throw new PgrescueError("store-failure", `${key}: the answer broke off after ${bytes.length} bytes`);
      return { bytes, version: bare(answer.ETag) };
    } catch (error) {
      if (isAbsent(error)) return null;
      throw s3Error(error, `looking at ${key}`, place);
    }
  });
}

/** Overwrites an object while its ETag is `version`; gives the new one. */
export async function replaceS3(object: S3Object, bytes: Uint8Array, version: string): Promise<string | null> {
  const { client, place, key, encryption } = object;
  try {
    const { ETag } = await client.send(
      new PutObjectCommand({
        Bucket: place.bucket,
        Key: key,
        Body: bytes,
        ContentLength: bytes.length,
        IfMatch: version,
        ...encryption,
      }),
    );
    if (ETag !== undefined) return bare(ETag);
  } catch (error) {
    if (isUnknownCondition(error))
      throw new PgrescueError("precondition-refused", `${place.host} has no conditional overwriting`, { cause: error });
    if (!isConditionFailed(error) && !isConflict(error) && !isAbsent(error))
      throw s3Error(error, `replacing ${key}`, place);
    // A repeated request whose first answer was lost finds its own work.
  }
  const there = await observeS3(object);
  return there !== null && Buffer.compare(there.bytes, bytes) === 0 ? there.version : null;
}

/** Without its quotes: Amazon takes either, and Ceph compares what is sent with what it keeps, which has none. */
function bare(etag: string): string {
  return etag.replaceAll('"', "");
}
