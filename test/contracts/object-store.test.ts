import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { backends, openStore } from "../../src/adapters/storage/registry.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { guarded } from "../../src/adapters/storage/guarded.ts";
import { limited } from "../../src/adapters/storage/limited.ts";
import { retrying } from "../../src/adapters/storage/retrying.ts";
import { objectStoreContract } from "./object-store.ts";

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true });
});

/** An empty place for each backend of the registry. */
const places: { readonly [name: string]: () => string } = {
  file: () => {
    const directory = mkdtempSync(join(tmpdir(), "pgrescue-store-"));
    directories.push(directory);
    return `file://${directory}`;
  },
};

/** Those that need a server are tried in test/stores/<name>.test.ts. */
const onServers: readonly string[] = ["s3", "azure", "az"];

it("covers every backend of the registry", () => {
  expect([...Object.keys(places), ...onServers]).toEqual(Object.keys(backends));
  for (const name of onServers.filter((scheme) => scheme !== "az"))
    expect(existsSync(new URL(`../stores/${name}.test.ts`, import.meta.url)), name).toBe(true);
});

for (const [name, place] of Object.entries(places)) {
  objectStoreContract(name, () => openStore(place()));
}
objectStoreContract("a guarded file store", async () =>
  guarded(await openStore(places["file"]?.() ?? ""), () => Promise.resolve()),
);
objectStoreContract("a limited and retrying file store", async () =>
  limited(retrying(await openStore(places["file"]?.() ?? ""), { clock: systemClock }), {
    clock: systemClock,
    concurrency: 2,
    bytesPerSecond: 1e9,
  }),
);
