import { expect, test } from "vitest";
import { openFaultProxy } from "../support/fault-proxy.ts";
import { openShop } from "../support/shop.ts";
import { storePlaces } from "./places.ts";

test.each(storePlaces)(
  "an outage of %s while WAL is fetched promotes nothing, and the recovery goes on after it",
  async (_name, open) => {
    const { url, options, secret, secretOption } = await open();
    await using proxy = await openFaultProxy(String(options["endpoint"]));
    await using shop = await openShop({
      repository: { url, secret, entry: (file) => ({ ...options, endpoint: proxy.url, [secretOption]: file }) },
    });
    await shop.server.sql("create table t as select n from generate_series(1, 100) n");
    await shop.must(0, "backup", "--no-input");
    for (let n = 0; n < 3; n++) {
      await shop.server.sql("insert into t select n from generate_series(1, 100) n");
      await shop.archived();
    }
    const to = shop.place("outage");
    const watched = shop.watch("recover", "--latest", "--to", to, "--yes", "--no-input");
    await watched.until((event) => event.event === "step-started" && event.step === "configure");
    // Objects of the archive; listings and everything else still answer.
    proxy.decide = (request) =>
      /\/wal\//.test((request.url ?? "").split("?")[0] ?? "")
        ? { kind: "status", status: 503, code: "ServerBusy" }
        : null;
    let run = "";
    await watched.until((event) => {
      ({ run } = event);
      return event.event === "ended";
    });
    expect(await watched.ended).toBe(40);
    const status = await shop.pgrescue("report", run, "--format", "json");
    expect(JSON.stringify(JSON.parse(status.stdout))).not.toContain('"promoted"');
    proxy.decide = () => null;
    const { stdout } = await shop.must(0, "continue", run, "--no-input", "--headless");
    expect(await shop.query(stdout.trim(), "select count(*) from t")).toBe("400");
    await shop.stopServerOf(to);
  },
);
