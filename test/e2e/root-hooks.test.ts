import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openShop } from "../support/shop.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

test.skipIf(process.getuid?.() !== 0)(
  "hooks run as root although the recovery works as the owner of the data directory",
  async () => {
    await using place = await temporaryDirectory();
    const roots = join(place.path, "only-root");
    await mkdir(roots, { mode: 0o700 });
    const [stopped, started] = [join(roots, "stopped"), join(roots, "started")];
    await using shop = await openShop({
      cluster: { hooks: { stopApplication: ["touch", stopped], startApplication: ["touch", started] } },
    });
    await shop.server.sql("create table orders as select n as id from generate_series(1, 100) n");
    await shop.must(0, "backup");
    const xid = await shop.transaction("delete from orders");
    await shop.archived();
    await shop.must(0, "recover", "--method", "rewind-in-place", "--target-before-xid", xid, "--confirm", shop.confirm);
    expect(await shop.server.sql("select count(*) from orders")).toBe("100");
    expect((await stat(stopped)).uid).toBe(0);
    expect((await stat(started)).uid).toBe(0);
    expect((await stat(shop.server.dataDirectory)).uid).not.toBe(0);
  },
);
