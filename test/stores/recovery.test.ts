import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { pgrescue } from "../support/program.ts";
import { openShop, type Shop } from "../support/shop.ts";
import { storePlaces, type StorePlace } from "./places.ts";

describe.each(storePlaces)("a repository in %s", (name, open) => {
  let shop: Shop;
  let place: StorePlace;
  let before: string;

  beforeAll(async () => {
    place = await open();
    const { url, secret, secretOption, options } = place;
    shop = await openShop({
      repository: { url, secret, entry: (file) => ({ ...options, [secretOption]: file }) },
    });
    await shop.server.sql(
      "create table orders as select n as id, repeat('x', 200) as text from generate_series(1, 20000) n",
    );
  });

  afterAll(async () => {
    await shop[Symbol.asyncDispose]();
  });

  test("takes a backup and the WAL that archive_command sends", async () => {
    await shop.must(0, "backup", "--no-input");
    await shop.server.sql("insert into orders select n, 'late' from generate_series(20001, 20500) n");
    before = await shop.now();
    await shop.server.sql("drop table orders");
    await shop.archived();
    await shop.archived();
    const points = JSON.parse((await shop.must(0, "points", "--json")).stdout);
    expect(points).toMatchObject({ points: [{ status: "ok", repository: "main" }], holes: [] });
    expect(points.windows).toHaveLength(1);
  });

  test("is tried by doctor: written, created once, deleted", async () => {
    const { stdout } = await shop.pgrescue("doctor", "--json");
    const { verdicts } = JSON.parse(stdout) as { verdicts: { check: string; result: string; evidence: string }[] };
    expect(verdicts.find((v) => v.check === "writing:main")).toMatchObject({
      result: "pass",
      evidence: expect.stringMatching(/written, created only once, read back$/),
    });
  });

  test("gives its bytes back as they were written", async () => {
    expect((await shop.must(0, "verify")).stdout).not.toContain("[FAIL]");
    await shop.must(0, "wal-verify");
  });

  test("is recovered from, to the moment before the mistake", async () => {
    const to = shop.place("scratch");
    const { stdout } = await shop.must(0, "recover", "--target-time", before, "--to", to, "--yes", "--no-input");
    expect(await shop.query(stdout.trim(), "select count(*), max(id) from orders")).toBe("20500|20500");
    await shop.stopServerOf(to);
  });

  test("is one for an empty host, with credentials from the environment", async () => {
    const endpoint = String(place.options["endpoint"]);
    const env =
      name === "s3"
        ? { ...place.env, AWS_ENDPOINT_URL_S3: endpoint, AWS_REGION: "us-east-1" }
        : { AZURE_STORAGE_CONNECTION_STRING: connectionString(endpoint) };
    const { exit, stdout } = await pgrescue(["points", "--repository", place.url, "--json"], { env });
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ points: [{ status: "ok" }] });
  });

  test("never shows its secrets", () => {
    const secrets = [inject("s3")?.secretAccessKey, inject("azure")?.key].filter((secret) => secret !== undefined);
    expect(secrets.length).toBeGreaterThan(0);
    for (const secret of secrets) expect(shop.printed.join("\n").includes(secret)).toBe(false);
  });
});

function connectionString(endpoint: string): string {
  const azure = inject("azure");
  return `DefaultEndpointsProtocol=http;AccountName=${azure?.account};AccountKey=${azure?.key};BlobEndpoint=${endpoint};`;
}
