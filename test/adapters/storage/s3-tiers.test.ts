import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openS3Store } from "../../../src/adapters/storage/s3.ts";
import { s3Rehydration } from "../../../src/adapters/storage/s3-tiers.ts";
import { parseInstant } from "../../../src/domain/instant.ts";
import type { ObjectStore } from "../../../src/ports/object-store.ts";

/** No S3 with an archive is at hand: this answers as Amazon's reference documents it, one object at a time. */
interface Documented {
  head: { readonly [header: string]: string } | null;
  /** Status and body of an answer to RestoreObject, and the HEAD's headers from then on. */
  restore: { readonly status: number; readonly code?: string; readonly from?: { readonly [header: string]: string } };
  readonly asked: string[];
}

const expiry = 'ongoing-request="false", expiry-date="Fri, 21 Dec 2029 00:00:00 GMT"';
const pending = 'ongoing-request="true"';
const standard = { priority: "standard", days: 15 } as const;
const high = { priority: "high", days: 15 } as const;

describe("S3's archive", () => {
  let server: Server;
  let store: ObjectStore;
  let world: Documented;

  beforeEach(async () => {
    world = { head: {}, restore: { status: 202 }, asked: [] };
    server = createServer((request, response) => void answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    store = openS3Store(
      "s3://bucket/pg",
      { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, region: "us-east-1" },
      { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "key" },
    );
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { searchParams } = new URL(request.url ?? "", "http://here");
    if (request.method === "POST" && searchParams.has("restore")) {
      world.asked.push(Buffer.concat(chunks).toString());
      const { status, code, from } = world.restore;
      if (from !== undefined) world.head = from;
      response.writeHead(status, { "content-type": "application/xml" });
      response.end(code === undefined ? "" : `<Error><Code>${code}</Code><Message>m</Message></Error>`);
    } else if (request.method === "HEAD") {
      response.writeHead(world.head === null ? 404 : 200, { "content-length": "5", ...world.head });
      response.end();
    } else {
      expect(request.headers["x-amz-optional-object-attributes"]).toBe("RestoreStatus");
      response.writeHead(200, { "content-type": "application/xml" });
      response.end(listing);
    }
  }

  test("is told from other classes by a listing, and what is restored for now from what is not", async () => {
    const found: unknown[] = [];
    for await (const { key, tier, archived } of store.list("")) found.push([key, tier, archived]);
    expect(found).toEqual([
      ["a", "hot", undefined],
      ["b", "cool", undefined],
      ["c", "cold", undefined],
      ["d", "archive", true],
      ["e", "archive", true],
      ["f", "archive", undefined],
      ["g", undefined, undefined],
    ]);
  });

  test("gives an object back for some days, and is asked once", async () => {
    world.head = { "x-amz-storage-class": "GLACIER" };
    world.restore = { status: 202, from: { ...world.head, "x-amz-restore": pending } };
    expect(await store.head("a")).toMatchObject({ tier: "archive", archived: true });
    expect(await store.rehydrating?.state("a")).toEqual({ state: "none" });
    expect(await store.rehydrating?.begin("a", standard)).toEqual({ state: "pending" });
    expect(await store.rehydrating?.begin("a", standard)).toEqual({ state: "pending" });
    expect(await store.head("a")).toMatchObject({ archived: true });
    world.head = { "x-amz-storage-class": "GLACIER", "x-amz-restore": expiry };
    const ready = { state: "ready", until: parseInstant("2029-12-21T00:00:00Z") };
    expect(await store.rehydrating?.state("a")).toEqual(ready);
    expect(await store.rehydrating?.begin("a", standard)).toEqual(ready);
    expect((await store.head("a"))?.archived).toBeUndefined();
    expect(world.asked).toHaveLength(1);
    expect(world.asked[0]).toMatch(/<Days>15<\/Days>.*<Tier>Standard<\/Tier>/);
  });

  test("takes it that another asked at the same moment", async () => {
    world.head = { "x-amz-storage-class": "GLACIER" };
    world.restore = { status: 409, code: "RestoreAlreadyInProgress" };
    expect(await store.rehydrating?.begin("a", standard)).toEqual({ state: "pending" });
  });

  test("hurries where the class can, and refuses before anything is paid where it cannot", async () => {
    world.head = { "x-amz-storage-class": "GLACIER" };
    await store.rehydrating?.begin("a", high);
    expect(world.asked[0]).toContain("<Tier>Expedited</Tier>");
    world.head = { "x-amz-storage-class": "DEEP_ARCHIVE" };
    await expect(store.rehydrating?.begin("a", high)).rejects.toMatchObject({ code: "precondition-refused" });
    expect(world.asked).toHaveLength(1);
  });

  test("names no days for what Intelligent-Tiering archived: it refuses them", async () => {
    world.head = { "x-amz-storage-class": "INTELLIGENT_TIERING", "x-amz-archive-status": "ARCHIVE_ACCESS" };
    expect(await store.head("a")).toMatchObject({ tier: "archive", archived: true });
    await store.rehydrating?.begin("a", standard);
    expect(world.asked[0]).not.toContain("<Days>");
  });

  test("does not answer for what is not there", async () => {
    world.head = null;
    expect(await store.rehydrating?.state("a")).toBeNull();
    await expect(store.rehydrating?.begin("a", standard)).rejects.toMatchObject({ code: "store-failure" });
    expect(world.asked).toEqual([]);
  });

  test("is not believed where it does not say how long a copy stays", () => {
    expect(() => s3Rehydration("a", { StorageClass: "GLACIER", Restore: 'ongoing-request="false"' })).toThrow(
      expect.objectContaining({ code: "store-failure" }),
    );
  });
});

const entry = (key: string, storageClass: string, more = ""): string =>
  `<Contents><Key>pg/${key}</Key><LastModified>2026-11-01T00:00:00.000Z</LastModified><Size>5</Size><StorageClass>${storageClass}</StorageClass>${more}</Contents>`;
const back =
  "<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress><RestoreExpiryDate>2029-12-21T00:00:00.000Z</RestoreExpiryDate></RestoreStatus>";
const listing = `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><Prefix>pg/</Prefix><KeyCount>7</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>${[
  entry("a", "STANDARD"),
  entry("b", "STANDARD_IA"),
  entry("c", "GLACIER_IR"),
  entry("d", "DEEP_ARCHIVE"),
  entry("e", "GLACIER", "<RestoreStatus><IsRestoreInProgress>true</IsRestoreInProgress></RestoreStatus>"),
  entry("f", "GLACIER", back),
  entry("g", "OUR_OWN_CLASS"),
].join("")}</ListBucketResult>`;
