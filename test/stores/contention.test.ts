import { readFile, writeFile } from "node:fs/promises";
import { parse, stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openShop, type Shop } from "../support/shop.ts";
import { storePlaces, type StorePlace } from "./places.ts";

const places: readonly (readonly [name: string, place: (() => Promise<StorePlace>) | null])[] = [
  ["a directory", null],
  ...storePlaces,
];

describe.each(places)("hosts that share a repository in %s", (_name, open) => {
  let shop: Shop;

  beforeAll(async () => {
    const place = open === null ? null : await open();
    shop = await openShop({
      cluster: { policy: "short" },
      ...(place === null
        ? {}
        : {
            repository: {
              url: place.url,
              secret: place.secret,
              entry: (file) => ({ ...place.options, [place.secretOption]: file }),
            },
          }),
    });
    const config = parse(await readFile(shop.configFile, "utf8")) as object;
    await writeFile(shop.configFile, stringify({ ...config, policies: { short: { base: { last: 1 } } } }));
    await shop.must(0, "backup");
  });

  afterAll(async () => {
    await shop[Symbol.asyncDispose]();
  });

  /** A host of its own, as far as this program can tell: what is locked on a host is locked by its state directory. */
  const host = (name: string): readonly string[] => ["--state-dir", shop.place(name)];

  /** From when to when a run worked in the repository, in milliseconds since 1970. */
  const worked = async (...words: readonly string[]): Promise<readonly [number, number]> => {
    const { stdout } = await shop.must(0, ...words, "--lock-wait", "3m", "--jsonl");
    const events = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { event: string; at: string });
    const from = events.find(({ event }) => event === "step-started");
    const until = events.findLast(({ event }) => event === "step-finished");
    return [Date.parse(from?.at ?? ""), Date.parse(until?.at ?? "")];
  };

  test("work one after the other, whatever begins at the same moment", async () => {
    const spans = await Promise.all([
      ...["a", "b"].map((name) => worked("backup", ...host(name))),
      ...["c", "d", "e"].map((name) => worked("expire", "--apply", ...host(name))),
    ]);
    const inOrder = spans.toSorted(([a], [b]) => a - b);
    for (const [at, [from]] of inOrder.entries()) {
      expect(from).not.toBeNaN();
      if (at > 0) expect(from).toBeGreaterThanOrEqual(inOrder[at - 1]?.[1] ?? Number.NaN);
    }
    // What was kept is whole.
    const { points } = JSON.parse((await shop.must(0, "points", "--json")).stdout) as { points: { status: string }[] };
    expect(points.map(({ status }) => status)).not.toContain("damaged");
    expect(points.filter(({ status }) => status === "ok").length).toBeGreaterThanOrEqual(1);
  });

  test("are kept out by what a killed run left, until somebody unlocks", async () => {
    const run = shop.watch("backup", "--checkpoint", "spread", ...host("killed"));
    const started = await run.until((event) => event.event === "started");
    await run.until((event) => event.event === "step-started" && event.step === "copy");
    process.kill((started as { readonly pid?: number } | null)?.pid ?? 0, "SIGKILL");
    await run.ended;
    const refused = await shop.must(11, "expire", "--apply", ...host("other"));
    expect(refused.stderr).toContain("does not exist any more");
    expect((await shop.must(0, "unlock", ...host("other"))).stderr).toContain("its run is dead");
    await shop.must(11, "backup", "--if-locked", "skip", ...host("other"));
    await shop.must(0, "unlock", "--apply", ...host("other"));
    await shop.must(0, "backup", ...host("other"));
  });
});
