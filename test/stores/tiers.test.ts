import { StorageSharedKeyCredential, BlobServiceClient } from "@azure/storage-blob";
import { existsSync, readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { openAzureStore } from "../../src/adapters/storage/azure.ts";
import type { ObjectStore } from "../../src/ports/object-store.ts";
import { pgrescue } from "../support/program.ts";
import { openShop, type Shop } from "../support/shop.ts";
import { azurePlace, type StorePlace } from "./places.ts";

function connectionString(): string {
  const azure = inject("azure");
  return `DefaultEndpointsProtocol=http;AccountName=${azure?.account};AccountKey=${azure?.key};BlobEndpoint=${azure?.endpoint};`;
}

const request = { priority: "standard", days: 15 } as const;

describe.skipIf(inject("azure") === null)("archived blobs", () => {
  let place: StorePlace;
  let store: ObjectStore;
  let shop: Shop;

  /** What a lifecycle rule of the account does some day. */
  async function archive(key: string): Promise<void> {
    const azure = inject("azure");
    if (azure === null) throw new Error("there is no Azure server");
    const [, , , container = "", ...prefix] = place.url.split("/");
    await new BlobServiceClient(azure.endpoint, new StorageSharedKeyCredential(azure.account, azure.key))
      .getContainerClient(container)
      .getBlobClient([...prefix, key].join("/"))
      .setAccessTier("Archive");
  }

  async function keysOf(name: string): Promise<readonly string[]> {
    const keys: string[] = [];
    for await (const { key } of store.list("shop/")) if (key.includes(`/base/`) && key.includes(name)) keys.push(key);
    return keys;
  }

  async function points() {
    const { stdout } = await shop.must(0, "points", "--json");
    return (JSON.parse(stdout) as { points: { id: string; status: string; reason?: string; finishedAt: string }[] })
      .points;
  }

  beforeAll(async () => {
    place = await azurePlace();
    const { url, secret, secretOption, options, env } = place;
    store = await openAzureStore(url, options, env);
    shop = await openShop({ repository: { url, secret, entry: (file) => ({ ...options, [secretOption]: file }) } });
    await shop.must(0, "backup", "--no-input");
  });

  afterAll(async () => {
    await shop[Symbol.asyncDispose]();
  });

  test("show their tier, cannot be read, and are brought back once", async () => {
    await store.put("tiers/one", Buffer.from("1"));
    expect(await store.head("tiers/one")).toMatchObject({ tier: "hot" });
    expect(await store.rehydrating?.state("tiers/one")).toEqual({ state: "ready", until: null });
    await archive("tiers/one");
    expect(await store.head("tiers/one")).toMatchObject({ tier: "archive", archived: true });
    for await (const object of store.list("tiers/")) expect(object).toMatchObject({ tier: "archive", archived: true });
    await expect(store.get("tiers/one")).rejects.toMatchObject({ code: "precondition-refused" });
    expect(await store.rehydrating?.state("tiers/one")).toEqual({ state: "none" });
    // Azurite moves a blob at once, where Azure takes hours.
    expect(await store.rehydrating?.begin("tiers/one", request)).toEqual({ state: "ready", until: null });
    expect(await store.rehydrating?.begin("tiers/one", request)).toEqual({ state: "ready", until: null });
    expect(await store.get("tiers/one")).toEqual(Buffer.from("1"));
    expect(await store.rehydrating?.state("tiers/none")).toBeNull();
    await expect(store.rehydrating?.begin("tiers/none", request)).rejects.toMatchObject({ code: "store-failure" });
  });

  test("make their point archived, which plans name; back from the archive, it is ok", async () => {
    const [key = ""] = await keysOf("/base.tar.zst");
    await archive(key);
    expect(await points()).toMatchObject([
      { status: "archived", reason: expect.stringMatching(/^1 object of it \(.+\) must be rehydrated/) },
    ]);
    const { exit, stdout, stderr } = await shop.pgrescue("plan", "--latest", "--to", shop.place("scratch"));
    expect(exit).not.toBe(0);
    expect(stdout + stderr).toMatch(/is archived: 1 object of it/);
    await store.rehydrating?.begin(key, request);
    expect(await points()).toMatchObject([{ status: "ok" }]);
  });

  test("stop a recovery before anything is written where they are WAL that it needs", async () => {
    const segments: string[] = [];
    for await (const { key } of store.list("shop/")) if (/\/[0-9A-F]{24}\.zst$/.test(key)) segments.push(key);
    expect(segments.length).toBeGreaterThan(0);
    for (const key of segments) await archive(key);
    const to = shop.place("cold");
    // A host that has no pg_wal to take them from.
    const recover = () =>
      pgrescue(["recover", "--repository", place.url, "--latest", "--to", to, "--yes", "--no-input"], {
        env: {
          AZURE_STORAGE_CONNECTION_STRING: connectionString(),
          XDG_STATE_HOME: shop.place("state-of-another-host"),
        },
      });
    const { exit, stdout, stderr } = await recover();
    expect(exit).not.toBe(0);
    expect(stdout + stderr).toMatch(/wal\/.*: the object is archived and must be rehydrated first/);
    // Root makes the directory for the server's user before it asks anything.
    expect(existsSync(to) ? readdirSync(to) : []).toEqual([]);
    for (const key of segments) await store.rehydrating?.begin(key, request);
    expect((await recover()).exit).toBe(0);
    await shop.stopServerOf(to);
  });

  test("do not keep the others from being listed, even where the description is archived", async () => {
    await shop.must(0, "backup", "--no-input");
    const [older, newer] = await points();
    for (const key of await keysOf(`/${older?.id}/`)) await archive(key);
    const now = await points();
    expect(now.find(({ id }) => id === newer?.id)).toMatchObject({ status: "ok" });
    expect(now.find(({ id }) => id === older?.id)).toMatchObject({ status: "archived" });
    await shop.must(0, "plan", "--latest", "--to", shop.place("scratch"));
  });
});
