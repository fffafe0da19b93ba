import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import type { ContainerClient } from "@azure/storage-blob";
import { PgrescueError } from "../../domain/errors.ts";
import { instantFromMilliseconds } from "../../domain/instant.ts";
import type {
  Backend,
  ByteRange,
  Metadata,
  ObjectInfo,
  ObjectStore,
  ObjectWriter,
  ObservedObject,
} from "../../ports/object-store.ts";
import { azureService, type AzureOptions } from "./azure-credentials.ts";
import { azureError, isAbsent, isBehindEnd, isThereAlready, type AzurePlace } from "./azure-errors.ts";
import { observeBlob, replaceBlob } from "./azure-replacing.ts";
import { azureRehydrating, blobTier } from "./azure-tiers.ts";
import { isAfter, prefixOf, requirePlainKey, tooShort } from "./object-key.ts";
import { partWriter } from "./part-writer.ts";
import { bodyOf, readInParts, repeating } from "./part-reader.ts";

/** Metadata by which a conditional write knows its own work again, when the answer to its first try was lost. */
const writerMark = "pgrescuewriter";

/** Azure Blob Storage: `azure://account/container/prefix`. */
export const backend: Backend = {
  schemes: ["azure", "az"],
  repeats: true,
  open: (url, options) => openAzureStore(url, options, process.env),
};

/** Opens a container, or a prefix in it, as a store. Nothing is asked of it yet. Throws `config` and `credentials`. */
export async function openAzureStore(
  url: string,
  options: AzureOptions,
  env: { readonly [name: string]: string | undefined },
): Promise<ObjectStore> {
  const m = /^az(?:ure)?:\/\/([a-z0-9]{3,24})\/([a-z0-9$][a-z0-9-]{1,62})(?:\/(.*))?$/.exec(url);
  const [, account, container, path = ""] = m ?? [];
  if (account === undefined || container === undefined)
    throw new PgrescueError("config", "the repository's URL names no account and container", {
      next: "Write it like azure://account/container/prefix.",
    });
  const prefix = prefixOf(path);
  const { service, host } = await azureService(account, options, env);
  return new AzureStore(service.getContainerClient(container), { account, container, host }, prefix, options);
}

class AzureStore implements ObjectStore {
  readonly url: string;
  readonly #container: ContainerClient;
  readonly #place: AzurePlace;
  readonly #prefix: string;
  readonly #scope: { encryptionScope?: string };

  constructor(container: ContainerClient, place: AzurePlace, prefix: string, { encryptionScope }: AzureOptions) {
    this.#container = container;
    this.#place = place;
    this.#prefix = prefix;
    this.#scope = encryptionScope === undefined ? {} : { encryptionScope };
    this.url = `azure://${place.account}/${place.container}/${prefix}`.replace(/\/$/, "");
  }

  async *list(prefix: string, { startAfter = "" } = {}): AsyncIterable<ObjectInfo> {
    const whole = this.#prefix + prefix;
    const after = this.#prefix + startAfter;
    let continuationToken: string | undefined;
    do {
      const from = continuationToken;
      const page = await repeating(() =>
        this.#asked(`listing ${this.url}`, () => this.#page(whole, startAfter === "" ? null : after, from)),
      );
      for (const { name, properties } of page.segment.blobItems) {
        // The start is inclusive, and a service that does not know it yet begins at the beginning.
        if (!name.startsWith(whole) || name.endsWith("/") || (startAfter !== "" && !isAfter(name, after))) continue;
        yield {
          key: name.slice(this.#prefix.length),
          size: properties.contentLength ?? 0,
          modifiedAt: instantFromMilliseconds(properties.lastModified.getTime()),
          ...blobTier(properties.accessTier),
        };
      }
      ({ continuationToken } = page);
    } while (continuationToken !== undefined && continuationToken !== "");
  }

  /** One page of a listing. */
  async #page(prefix: string, startFrom: string | null, continuationToken: string | undefined) {
    const pages = this.#container
      .listBlobsFlat({ prefix, ...(startFrom === null ? {} : { startFrom }) })
      .byPage({ maxPageSize: 5000, ...(continuationToken === undefined ? {} : { continuationToken }) });
    const { value, done } = await pages.next();
    if (done === true) throw new PgrescueError("store-failure", `listing ${this.url}: there was no answer`);
    return value;
  }

  async head(key: string): Promise<(ObjectInfo & { readonly metadata: Metadata }) | null> {
    const found = await this.#properties(key);
    if (found === null) return null;
    return {
      key,
      size: found.contentLength ?? 0,
      modifiedAt: instantFromMilliseconds(found.lastModified?.getTime() ?? 0),
      metadata: plainMetadata(found.metadata),
      ...blobTier(found.accessTier),
    };
  }

  #properties(key: string) {
    return this.#orNull(`looking at ${key}`, () => this.#blob(key).getProperties());
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array | null> {
    requirePlainKey(key);
    if (range?.length === 0) return (await this.head(key)) === null ? null : new Uint8Array();
    return repeating(() => this.#orNull(`reading ${key}`, () => this.#body(key, range)));
  }

  /** One answer, whole and of the right length. */
  async #body(key: string, range?: ByteRange, etag?: string): Promise<Uint8Array> {
    const answer = await this.#blob(key)
      .download(range?.offset ?? 0, range?.length, {
        maxRetryRequests: 0,
        ...(etag === undefined ? {} : { conditions: { ifMatch: etag } }),
      })
      .catch((error: unknown) => {
        if (range !== undefined && isBehindEnd(error)) throw tooShort(key, range);
        throw error;
      });
    const expected = answer.contentLength ?? 0;
    const bytes = await bodyOf(answer.readableStreamBody, expected);
    const { length } = bytes;
    if (length !== expected)
      throw new PgrescueError("store-failure", `${key}: the answer broke off after ${length} of ${expected} bytes`);
    if (range !== undefined && length < range.length) throw tooShort(key, range);
    // The service gives the checksum of whole blobs that were written in one piece.
    if (range === undefined && answer.contentMD5 !== undefined && !md5(bytes).equals(answer.contentMD5))
      throw new PgrescueError("store-failure", `${key}: the answer is not what its checksum says`);
    return bytes;
  }

  async *read(key: string, range?: ByteRange): AsyncIterable<Uint8Array> {
    const found = await this.#properties(key);
    if (found === null) throw new PgrescueError("store-failure", `there is no object ${key} in ${this.url}`);
    const size = found.contentLength ?? 0;
    if (range !== undefined && range.offset + range.length > size) throw tooShort(key, range);
    // Parts of one and the same blob, even where somebody replaces it meanwhile.
    yield* readInParts(range ?? { offset: 0, length: size }, (part) =>
      repeating(() => this.#asked(`reading ${key}`, () => this.#body(key, part, found.etag))),
    );
  }

  async put(
    key: string,
    bytes: Uint8Array,
    { ifAbsent = false, metadata }: { readonly ifAbsent?: boolean; readonly metadata?: Metadata } = {},
  ): Promise<"stored" | "exists"> {
    const blob = this.#blob(key);
    const mark = randomBytes(9).toString("hex");
    try {
      await blob.upload(bytes, bytes.length, {
        ...(ifAbsent ? { conditions: { ifNoneMatch: "*" } } : {}),
        metadata: { ...metadata, ...(ifAbsent ? { [writerMark]: mark } : {}) },
        // Sent with the request, so that the service checks what arrives, and kept for readers.
        blobHTTPHeaders: { blobContentMD5: md5(bytes) },
        ...this.#scope,
      });
      return "stored";
    } catch (error) {
      if (!ifAbsent || !isThereAlready(error)) throw azureError(error, `writing ${key}`, this.#place);
      return (await this.#properties(key))?.metadata?.[writerMark] === mark ? "stored" : "exists";
    }
  }

  async observe(key: string): Promise<ObservedObject | null> {
    requirePlainKey(key);
    return repeating(() => this.#orNull(`looking at ${key}`, () => observeBlob(this.#blob(key))));
  }

  async replace(key: string, bytes: Uint8Array, version: string): Promise<string | null> {
    return this.#asked(`replacing ${key}`, () => replaceBlob(this.#blob(key), bytes, version, this.#scope));
  }

  async write(key: string, { metadata }: { readonly metadata?: Metadata } = {}): Promise<ObjectWriter> {
    const blob = this.#blob(key);
    const doing = `writing ${key}`;
    // Ids of one write, all of one length: blocks of another, unfinished one are never committed with them.
    const write = randomBytes(12).toString("hex");
    return Promise.resolve(
      partWriter<string>({
        putWhole: async (bytes) => {
          await this.put(key, bytes, metadata === undefined ? {} : { metadata });
        },
        begin: () => Promise.resolve(),
        putPart: async (number, bytes) => {
          const id = Buffer.from(`${write}-${String(number).padStart(6, "0")}`).toString("base64");
          await this.#asked(doing, () =>
            blob.stageBlock(id, () => Readable.from(piecesOf(bytes), { objectMode: false }), bytes.length, {
              // TLS notices by itself what the way has changed.
              ...(blob.url.startsWith("https:") ? {} : { transactionalContentMD5: md5(bytes) }),
              ...this.#scope,
            }),
          );
          return id;
        },
        complete: async (ids) => {
          await this.#asked(doing, () =>
            blob.commitBlockList([...ids], {
              ...(metadata === undefined ? {} : { metadata: { ...metadata } }),
              ...this.#scope,
            }),
          );
        },
        // Blocks that nothing commits are never visible, and the service removes them after a week.
        abort: () => Promise.resolve(),
      }),
    );
  }

  async delete(key: string): Promise<void> {
    await this.#asked(`deleting ${key}`, () => this.#blob(key).deleteIfExists({ deleteSnapshots: "include" }));
  }

  readonly rehydrating = azureRehydrating({
    properties: (key) => this.#properties(key),
    blob: (key) => this.#blob(key),
    asked: (doing, work) => this.#asked(doing, work),
  });

  #blob(key: string) {
    requirePlainKey(key);
    return this.#container.getBlockBlobClient(this.#prefix + key);
  }

  async #asked<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw azureError(error, doing, this.#place);
    }
  }

  async #orNull<T>(doing: string, work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      if (isAbsent(error)) {
        await this.#requireContainer(doing);
        return null;
      }
      throw azureError(error, doing, this.#place);
    }
  }

  #containerIsThere: Promise<void> | null = null;

  /** A HEAD that says 404 does not say what is missing; that it was not the container is asked once. */
  async #requireContainer(doing: string): Promise<void> {
    this.#containerIsThere ??= this.#container.getProperties().then(
      () => undefined,
      (error: unknown) => {
        this.#containerIsThere = null;
        // Who may not ask about the container may still read its blobs.
        const { statusCode } = error as { statusCode?: number };
        if (statusCode === 403) return;
        throw azureError(statusCode === 404 ? { code: "ContainerNotFound", statusCode } : error, doing, this.#place);
      },
    );
    await this.#containerIsThere;
  }
}

function plainMetadata(found: { readonly [name: string]: string } | undefined): Metadata {
  return Object.fromEntries(
    Object.entries(found ?? {})
      .map(([name, value]) => [name.toLowerCase(), value] as const)
      .filter(([name]) => name !== writerMark),
  );
}

function md5(bytes: Uint8Array): Buffer {
  return createHash("md5").update(bytes).digest();
}

/** TLS copies what it is given as a whole: in pieces it takes little memory. */
function* piecesOf(bytes: Uint8Array): Iterable<Uint8Array> {
  const length = 256 * 1024;
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}
