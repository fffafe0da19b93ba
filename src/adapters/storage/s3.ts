import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type _Object as ListedObject,
  type S3Client,
} from "@aws-sdk/client-s3";
import { PgrescueError } from "../../domain/errors.ts";
import { instantFromMilliseconds, millisecondsOf, type Instant } from "../../domain/instant.ts";
import type { Backend, ByteRange, Metadata, ObjectInfo, ObjectStore, ObjectWriter } from "../../ports/object-store.ts";
import { prefixOf, requirePlainKey, tooShort } from "./object-key.ts";
import { partWriter } from "./part-writer.ts";
import { bodyOf, readInParts, repeating } from "./part-reader.ts";
import { s3Client, type S3Options } from "./s3-client.ts";
import { multipartUpload, sweepUploads, type S3Encryption } from "./s3-multipart.ts";
import { observeS3, replaceS3, type S3Object } from "./s3-replacing.ts";
import { isAbsent, isConditionFailed, s3Error, type S3Place } from "./s3-errors.ts";
import { headTier, listedTier, s3Rehydrating } from "./s3-tiers.ts";

/** Amazon S3 and what speaks its protocol: `s3://bucket/prefix`. */
export const backend: Backend = {
  schemes: ["s3"],
  repeats: true,
  open: async (url, options) => Promise.resolve(openS3Store(url, options, process.env)),
};

/** Opens a bucket, or a prefix in it, as a store. Nothing is asked of the store yet. Throws `config` for a URL or endpoint that is none. */
export function openS3Store(
  url: string,
  options: S3Options,
  env: { readonly [name: string]: string | undefined },
): ObjectStore {
  const m = /^s3:\/\/([a-z0-9][a-z0-9._-]{1,62})(?:\/(.*))?$/i.exec(url);
  const bucket = m?.[1];
  if (bucket === undefined)
    throw new PgrescueError("config", "the repository's URL names no bucket", {
      next: "Write it like s3://bucket/prefix.",
    });
  const prefix = prefixOf(m?.[2] ?? "");
  const { client, host } = s3Client(options, env);
  return new S3Store(client, { bucket, host }, prefix, options);
}

class S3Store implements ObjectStore {
  readonly url: string;
  readonly #client: S3Client;
  readonly #place: S3Place;
  readonly #prefix: string;
  readonly #encryption: S3Encryption;
  #bucketIsThere: Promise<void> | null = null;

  constructor(client: S3Client, place: S3Place, prefix: string, { kmsKeyId }: S3Options) {
    this.#client = client;
    this.#place = place;
    this.#prefix = prefix;
    this.#encryption = kmsKeyId === undefined ? {} : { ServerSideEncryption: "aws:kms", SSEKMSKeyId: kmsKeyId };
    this.url = `s3://${place.bucket}/${prefix}`.replace(/\/$/, "");
  }

  async *list(prefix: string, { startAfter = "" } = {}): AsyncIterable<ObjectInfo> {
    let token: string | undefined;
    do {
      const page = await this.#asked(`listing ${this.url}`, () =>
        this.#client.send(
          new ListObjectsV2Command({
            Bucket: this.#place.bucket,
            Prefix: this.#prefix + prefix,
            // Whether what is archived has been restored for now; stores that do not know the question do not answer it.
            OptionalObjectAttributes: ["RestoreStatus"],
            ...(token === undefined ? {} : { ContinuationToken: token }),
            ...(token === undefined && startAfter !== "" ? { StartAfter: this.#prefix + startAfter } : {}),
          }),
        ),
      );
      for (const object of page.Contents ?? []) {
        const info = this.#infoOf(object);
        if (info !== null) yield info;
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  #infoOf(object: ListedObject): ObjectInfo | null {
    const { Key, Size, LastModified } = object;
    // Consoles make "folders": empty objects that end in a slash and are no objects to us.
    if (Key === undefined || !Key.startsWith(this.#prefix) || Key.endsWith("/")) return null;
    return {
      key: Key.slice(this.#prefix.length),
      size: Size ?? 0,
      modifiedAt: instantFromMilliseconds(LastModified?.getTime() ?? 0),
      ...listedTier(object),
    };
  }

  async head(key: string): Promise<(ObjectInfo & { readonly metadata: Metadata }) | null> {
    requirePlainKey(key);
    const found = await this.#properties(key);
    if (found === null) return null;
    return {
      key,
      size: found.ContentLength ?? 0,
      modifiedAt: instantFromMilliseconds(found.LastModified?.getTime() ?? 0),
      metadata: found.Metadata ?? {},
      ...headTier(found),
    };
  }

  async #properties(key: string) {
    const found = await this.#orNull(`looking at ${key}`, () =>
      this.#client.send(new HeadObjectCommand({ Bucket: this.#place.bucket, Key: this.#prefix + key })),
    );
    if (found === null) await this.#requireBucket();
    return found;
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array | null> {
    requirePlainKey(key);
    if (range?.length === 0) return (await this.head(key)) === null ? null : new Uint8Array();
    return repeating(() => this.#orNull(`reading ${key}`, () => this.#body(key, range)));
  }

  /** One answer, whole and of the right length. */
  async #body(key: string, range?: ByteRange, etag?: string): Promise<Uint8Array> {
    const answer = await this.#client
      .send(
        new GetObjectCommand({
          Bucket: this.#place.bucket,
          Key: this.#prefix + key,
          ...(range === undefined ? {} : { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
          ...(etag === undefined ? {} : { IfMatch: etag }),
        }),
      )
      .catch((error: unknown) => {
        if (range !== undefined && (error as { name?: unknown }).name === "InvalidRange") throw tooShort(key, range);
        throw error;
      });
    const bytes =
      answer.ContentLength === undefined
        ? await answer.Body?.transformToByteArray()
        : await bodyOf(answer.Body as AsyncIterable<unknown> | undefined, answer.ContentLength);
    const length = bytes?.length ?? 0;
    const isWhole = answer.ContentRange !== undefined && length === answer.ContentLength;
    if (range !== undefined && isWhole && length < range.length) throw tooShort(key, range);
    if (length !== (range?.length ?? answer.ContentLength ?? length))
      throw new PgrescueError("store-failure", `${key}: the answer broke off after ${length} bytes`);
    return bytes ?? new Uint8Array();
  }

  async *read(key: string, range?: ByteRange): AsyncIterable<Uint8Array> {
    const found = await this.#properties(key);
    if (found === null) throw new PgrescueError("store-failure", `there is no object ${key} in ${this.url}`);
    const size = found.ContentLength ?? 0;
    if (range !== undefined && range.offset + range.length > size) throw tooShort(key, range);
    // Parts of one and the same object, even where somebody replaces it meanwhile.
    yield* readInParts(range ?? { offset: 0, length: size }, (part) =>
      repeating(() => this.#asked(`reading ${key}`, () => this.#body(key, part, found.ETag))),
    );
  }

  async put(
    key: string,
    bytes: Uint8Array,
    { ifAbsent = false, metadata }: { readonly ifAbsent?: boolean; readonly metadata?: Metadata } = {},
  ): Promise<"stored" | "exists"> {
    requirePlainKey(key);
    try {
      await this.#client.send(
        new PutObjectCommand({
          Bucket: this.#place.bucket,
          Key: this.#prefix + key,
          Body: bytes,
          ContentLength: bytes.length,
          ...(ifAbsent ? { IfNoneMatch: "*" } : {}),
          ...(metadata === undefined ? {} : { Metadata: { ...metadata } }),
          ...this.#encryption,
        }),
      );
      return "stored";
    } catch (error) {
      if (!ifAbsent || !isConditionFailed(error)) throw s3Error(error, `writing ${key}`, this.#place);
      return (await this.#isOwnWork(error, key, bytes)) ? "stored" : "exists";
    }
  }

  /** Whether "exists" is what a repeated request says of its own first try, whose answer was lost. */
  async #isOwnWork(error: unknown, key: string, bytes: Uint8Array): Promise<boolean> {
    const { attempts = 1 } = (error as { $metadata?: { attempts?: number } }).$metadata ?? {};
    if (attempts < 2) return false;
    const there = await this.get(key);
    return there !== null && Buffer.compare(there, bytes) === 0;
  }

  async observe(key: string): ReturnType<ObjectStore["observe"]> {
    const found = await observeS3(this.#object(key));
    if (found === null) await this.#requireBucket();
    return found;
  }

  async replace(key: string, bytes: Uint8Array, version: string): Promise<string | null> {
    return replaceS3(this.#object(key), bytes, version);
  }

  #object(key: string): S3Object {
    requirePlainKey(key);
    return { client: this.#client, place: this.#place, key: this.#prefix + key, encryption: this.#encryption };
  }

  async write(key: string, { metadata }: { readonly metadata?: Metadata } = {}): Promise<ObjectWriter> {
    requirePlainKey(key);
    return Promise.resolve(
      partWriter(
        multipartUpload({
          client: this.#client,
          place: this.#place,
          key: this.#prefix + key,
          metadata,
          encryption: this.#encryption,
          putWhole: async (bytes) => {
            await this.put(key, bytes, metadata === undefined ? {} : { metadata });
          },
          sizeNow: async () => (await this.head(key))?.size ?? null,
        }),
      ),
    );
  }

  async delete(key: string): Promise<void> {
    requirePlainKey(key);
    await this.#orNull(`deleting ${key}`, () =>
      this.#client.send(new DeleteObjectCommand({ Bucket: this.#place.bucket, Key: this.#prefix + key })),
    );
  }

  readonly rehydrating = s3Rehydrating((key) => this.#object(key));

  readonly sweep = async function* sweep(this: S3Store, before: Instant): AsyncIterable<string> {
    const uploads = sweepUploads(this.#client, this.#place, this.#prefix, millisecondsOf(before));
    for await (const key of uploads) yield key.slice(this.#prefix.length);
  }.bind(this);

  /** A HEAD that says 404 does not say what is missing; that it was not the bucket is asked once. */
  async #requireBucket(): Promise<void> {
    this.#bucketIsThere ??= this.#client.send(new HeadBucketCommand({ Bucket: this.#place.bucket })).then(
      () => undefined,
      (error: unknown) => {
        this.#bucketIsThere = null;
        // Who may not ask about the bucket may still read its objects.
        const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
        if (status === 403) return;
        throw s3Error(
          status === 404 ? Object.assign(new Error(), { name: "NoSuchBucket" }) : error,
          `looking at ${this.url}`,
          this.#place,
        );
      },
    );
    await this.#bucketIsThere;
  }

  async #asked<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw s3Error(error, doing, this.#place);
    }
  }

  async #orNull<T>(doing: string, work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      if (isAbsent(error)) return null;
      throw s3Error(error, doing, this.#place);
    }
  }
}
