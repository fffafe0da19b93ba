import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAzureStore } from "../../src/adapters/storage/azure.ts";
import { openS3Store } from "../../src/adapters/storage/s3.ts";
import type { ObjectStore } from "../../src/ports/object-store.ts";
import { openFaultProxy, type Fault, type FaultProxy } from "../support/fault-proxy.ts";
import { storePlaces } from "./places.ts";

const small = randomBytes(200_000);
const large = randomBytes(20_000_000);

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

async function streamed(store: ObjectStore, key: string): Promise<void> {
  const writer = await store.write(key);
  try {
    for (let at = 0; at < large.length; at += 1_000_000)
      await writer.write(Buffer.from(large.subarray(at, at + 1_000_000)));
    await writer.commit();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

async function keysBelow(store: ObjectStore, prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

/** What is done to a store, with what must come of it. Each gives true when the result is right. */
const operations: Readonly<Record<string, (store: ObjectStore, key: string) => Promise<boolean>>> = {
  put: async (store, key) => {
    await store.put(key, small);
    return true;
  },
  "conditional put": async (store, key) => (await store.put(key, small, { ifAbsent: true })) === "stored",
  "streamed write": async (store, key) => {
    await streamed(store, key);
    return true;
  },
  get: async (store) => Buffer.compare((await store.get("there/small")) ?? new Uint8Array(), small) === 0,
  "ranged get": async (store) =>
    Buffer.compare(
      (await store.get("there/small", { offset: 100, length: 150_000 })) ?? new Uint8Array(),
      small.subarray(100, 150_100),
    ) === 0,
  "streamed read": async (store) => Buffer.compare(await collect(store.read("there/large")), large) === 0,
  head: async (store) => (await store.head("there/small"))?.size === small.length,
  list: async (store) => (await keysBelow(store, "there/")).length === 2,
};
const uploads: ReadonlySet<string> = new Set(["put", "conditional put", "streamed write"]);

const faults: Readonly<Record<string, Fault>> = {
  "100 ms of latency": { kind: "delay", milliseconds: 100 },
  "a reset": { kind: "reset" },
  "a reset within the answer": { kind: "reset-in-answer" },
  "an answer that ends early": { kind: "truncate" },
  "503": { kind: "status", status: 503, code: "ServerBusy" },
  "503 with Retry-After": { kind: "status", status: 503, retryAfter: 1, code: "SlowDown" },
};

describe.each(storePlaces)("%s behind a bad network", (name, open) => {
  let proxy: FaultProxy;
  let direct: ObjectStore;
  let store: ObjectStore;

  beforeAll(async () => {
    const { url, options, env } = await open();
    proxy = await openFaultProxy(String(options["endpoint"]));
    const opened = async (endpoint: unknown): Promise<ObjectStore> =>
      name === "s3"
        ? openS3Store(url, { ...options, endpoint: String(endpoint) }, env)
        : openAzureStore(url, { ...options, endpoint: String(endpoint) }, env);
    direct = await opened(options["endpoint"]);
    store = await opened(proxy.url);
    await direct.put("there/small", small);
    await streamed(direct, "there/large");
  });

  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
  });

  describe.each(Object.entries(faults))("with %s", (_fault, fault) => {
    test.each(Object.entries(operations))("a %s comes to its end, and right", async (operation, work) => {
      // The first two requests are hit, and one in the middle of whatever needs more.
      const from = proxy.requests;
      proxy.decide = (_request, number) => ([0, 1, 4].includes(number - from) ? fault : null);
      const key = `new/${operation.replaceAll(" ", "-")}-${randomBytes(4).toString("hex")}`;
      try {
        expect(await work(store, key)).toBe(true);
      } finally {
        proxy.decide = () => null;
      }
      if (!uploads.has(operation)) return;
      const content = await collect(direct.read(key));
      expect(Buffer.compare(content, operation === "streamed write" ? large : small)).toBe(0);
    });
  });

  test.each<[string, Fault, string]>([
    ["503 without end", { kind: "status", status: 503, code: "ServerBusy" }, "store-failure"],
    ["403 from the middle on", { kind: "status", status: 403, code: "AccessDenied" }, "credentials"],
    ["resets without end", { kind: "reset" }, "store-failure"],
  ])("%s fails clearly, and nothing half-written shows", async (_name, fault, code) => {
    const key = `half/${randomBytes(4).toString("hex")}`;
    // Long enough for parts to be under way.
    const from = proxy.requests;
    proxy.decide = (_request, number) => (number - from >= 2 ? fault : null);
    await expect(streamed(store, key)).rejects.toMatchObject({ code: expect.stringMatching(`${code}|store-failure`) });
    proxy.decide = () => fault;
    await Promise.all([
      expect(collect(store.read("there/large"))).rejects.toMatchObject({ code }),
      expect(keysBelow(store, "there/")).rejects.toMatchObject({ code }),
      expect(store.put(`${key}-put`, small, { ifAbsent: true })).rejects.toMatchObject({ code }),
    ]);
    proxy.decide = () => null;
    expect(await keysBelow(direct, "half/")).toEqual([]);
    expect(await direct.get(key)).toBeNull();
  });
});
