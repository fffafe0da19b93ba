import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  UploadPartCommand,
  type CompletedPart,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { Metadata } from "../../ports/object-store.ts";
import type { PartTarget } from "./part-writer.ts";
import { isUploadGone, s3Error, type S3Place } from "./s3-errors.ts";

/** What a request says about encryption by the store. */
export interface S3Encryption {
  readonly ServerSideEncryption?: "aws:kms";
  readonly SSEKMSKeyId?: string;
}

export interface MultipartUpload {
  readonly client: S3Client;
  readonly place: S3Place;
  /** In the bucket, with its prefix. */
  readonly key: string;
  readonly metadata: Metadata | undefined;
  readonly encryption: S3Encryption;
  putWhole(bytes: Uint8Array): Promise<void>;
  /** The object's size as it is now; null: it is not there. */
  sizeNow(): Promise<number | null>;
}

/**
 * An object in parts. Ours rather than the SDK's `Upload`: its parts grow, so that memory stays small for small objects and
 * large ones fit into 10,000 parts, and giving up waits until nothing of it is left.
 */
export function multipartUpload(upload: MultipartUpload): PartTarget<CompletedPart> {
  const { client, place, key, metadata, encryption } = upload;
  const target = { Bucket: place.bucket, Key: key };
  const doing = `writing ${key}`;
  let id: string | undefined;
  return {
    putWhole: (bytes) => upload.putWhole(bytes),
    begin: async () => {
      const begun = await asked(() =>
        client.send(
          new CreateMultipartUploadCommand({
            ...target,
            ...(metadata === undefined ? {} : { Metadata: { ...metadata } }),
            ...encryption,
            ChecksumAlgorithm: "CRC32",
          }),
        ),
      );
      id = begun.UploadId;
    },
    putPart: async (number, bytes) => {
      const part = await asked(() =>
        client.send(
          new UploadPartCommand({
            ...target,
            UploadId: id,
            PartNumber: number,
            Body: bytes,
            ContentLength: bytes.length,
            ChecksumAlgorithm: "CRC32",
          }),
        ),
      );
      return {
        PartNumber: number,
        ETag: part.ETag,
        ...(part.ChecksumCRC32 === undefined ? {} : { ChecksumCRC32: part.ChecksumCRC32 }),
      };
    },
    complete: async (parts, size) => {
      try {
        await client.send(
          new CompleteMultipartUploadCommand({ ...target, UploadId: id, MultipartUpload: { Parts: [...parts] } }),
        );
      } catch (error) {
        // A repeated request whose first try was heard: the upload is gone because the object is there.
        if (isUploadGone(error) && (await upload.sizeNow()) === size) return;
        throw s3Error(error, doing, place);
      }
    },
    abort: async () => {
      try {
        await client.send(new AbortMultipartUploadCommand({ ...target, UploadId: id }));
      } catch (error) {
        if (!isUploadGone(error)) throw s3Error(error, `giving up ${key}`, place);
      }
    },
  };

  async function asked<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw s3Error(error, doing, place);
    }
  }
}

/** Gives up uploads below `prefix` that began before `before` (milliseconds); gives their keys. */
export async function* sweepUploads(
  client: S3Client,
  place: S3Place,
  prefix: string,
  before: number,
): AsyncIterable<string> {
  let marker: { readonly KeyMarker?: string; readonly UploadIdMarker?: string } | null = {};
  try {
    while (marker !== null) {
      const page: Awaited<ReturnType<typeof pageFrom>> = await pageFrom(marker);
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        if (Key === undefined || UploadId === undefined || (Initiated?.getTime() ?? before) >= before) continue;
        await client.send(new AbortMultipartUploadCommand({ Bucket: place.bucket, Key, UploadId }));
        yield Key;
      }
      const { NextKeyMarker, NextUploadIdMarker } = page;
      marker =
        page.IsTruncated !== true || NextKeyMarker === undefined
          ? null
          : {
              KeyMarker: NextKeyMarker,
              ...(NextUploadIdMarker === undefined ? {} : { UploadIdMarker: NextUploadIdMarker }),
            };
    }
  } catch (error) {
    throw s3Error(error, "giving up unfinished uploads", place);
  }

  function pageFrom(from: { readonly KeyMarker?: string; readonly UploadIdMarker?: string }) {
    return client.send(new ListMultipartUploadsCommand({ Bucket: place.bucket, Prefix: prefix, ...from }));
  }
}
