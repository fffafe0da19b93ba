import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  S3Client,
  UploadPartCommand,
  type CompletedPart,
} from "@aws-sdk/client-s3";
import { BlobServiceClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { inParallel } from "../src/adapters/repository/native/parallel.ts";
import type { Transfer } from "./transfer.ts";

/** The shortest program that moves an object with a cloud's SDK: nothing verified, nothing bounded, nothing repeated by us. */
export interface BareSdk {
  /** Sends the object made of repeated chunks. */
  upload(chunk: Uint8Array): Promise<void>;
  download(): Promise<void>;
}

/** Requests at the same time, as ours has it. */
const atOnce = 4;

interface Part {
  readonly number: number;
  readonly offset: number;
  readonly length: number;
}

export function s3Sdk({ url, options, bytes, partBytes }: Transfer, key: string): BareSdk {
  const [, Bucket = "", prefix = ""] = /^s3:\/\/([^/]+)\/(.*)$/.exec(url) ?? [];
  const place = { Bucket, Key: `${prefix}/${key}` };
  const { endpoint, region = "us-east-1" } = options;
  const client = new S3Client({ endpoint, region, forcePathStyle: true });
  return {
    upload: async (chunk) => {
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(place));
      const done: CompletedPart[] = [];
      await inParallel(partsOf(bytes, partBytes), atOnce, async ({ number, length }) => {
        const Body = repeated(chunk, length);
        const { ETag, ChecksumCRC32 } = await client.send(
          new UploadPartCommand({ ...place, UploadId, PartNumber: number, Body }),
        );
        done[number - 1] = { ETag, ChecksumCRC32, PartNumber: number };
      });
      await client.send(new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts: done } }));
    },
    download: () =>
      inParallel(partsOf(bytes, partBytes), atOnce, async ({ offset, length }) => {
        const { Body } = await client.send(
          new GetObjectCommand({ ...place, Range: `bytes=${offset}-${offset + length - 1}` }),
        );
        await Body?.transformToByteArray();
      }),
  };
}

export function azureSdk({ url, options, bytes, partBytes }: Transfer, key: string): BareSdk {
  const [, account = "", container = "", prefix = ""] = /^azure:\/\/([^/]+)\/([^/]+)\/(.*)$/.exec(url) ?? [];
  const credential = new StorageSharedKeyCredential(account, process.env["AZURE_STORAGE_KEY"] ?? "");
  const blob = new BlobServiceClient(options.endpoint, credential)
    .getContainerClient(container)
    .getBlockBlobClient(`${prefix}/${key}`);
  return {
    upload: async (chunk) => {
      const ids: string[] = [];
      await inParallel(partsOf(bytes, partBytes), atOnce, async ({ number, length }) => {
        const id = Buffer.from(String(number).padStart(6, "0")).toString("base64");
        await blob.stageBlock(id, repeated(chunk, length), length);
        ids[number - 1] = id;
      });
      await blob.commitBlockList(ids);
    },
    download: () =>
      inParallel(partsOf(bytes, partBytes), atOnce, async ({ offset, length }) => {
        await blob.downloadToBuffer(offset, length, { blockSize: partBytes });
      }),
  };
}

function* partsOf(bytes: number, partBytes: number): Iterable<Part> {
  for (let number = 1, offset = 0; offset < bytes; number++, offset += partBytes)
    yield { number, offset, length: Math.min(partBytes, bytes - offset) };
}

function repeated(chunk: Uint8Array, length: number): Buffer {
  const all = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; at += chunk.length) all.set(chunk.subarray(0, Math.min(chunk.length, length - at)), at);
  return all;
}
