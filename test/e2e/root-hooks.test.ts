import { chmod, copyFile, mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { pgrescue } from "../support/program.ts";
import { openShop, type Shop } from "../support/shop.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

describe.skipIf(process.getuid?.() !== 0)("hooks of a recovery that root starts", () => {
  test("run as root where only root can change the configuration, and the rest as the data directory's owner", async () => {
    await using place = await temporaryDirectory();
    const roots = join(place.path, "only-root");
    await mkdir(roots, { mode: 0o755 });
    const hooks = {
      stopApplication: ["touch", join(roots, "stopped")],
      startApplication: ["touch", join(roots, "started")],
    };
    await using shop = await openShop({ cluster: { hooks } });
    const configFile = join(roots, "pgrescue.yaml");
    await copyFile(shop.configFile, configFile);
    await chmod(configFile, 0o644);
    const { exit } = await rewound(shop, configFile);
    expect(exit).toBe(0);
    expect(await shop.server.sql("select count(*) from orders")).toBe("100");
    expect((await stat(join(roots, "stopped"))).uid).toBe(0);
    expect((await stat(join(roots, "started"))).uid).toBe(0);
    expect((await stat(shop.server.dataDirectory)).uid).not.toBe(0);
  });

  test("run as the owner where others can change the configuration", async () => {
    await using shop = await openShop({
      cluster: { hooks: { stopApplication: ["touch", "/only-root-may-write-here"] } },
    });
    const { exit, stderr } = await rewound(shop, shop.configFile);
    expect(exit).not.toBe(0);
    expect(stderr).toContain("Permission denied");
    expect(await shop.server.sql("select count(*) from orders")).toBe("0");
  });
});

async function rewound(
  shop: Shop,
  configFile: string,
): Promise<{ readonly exit: number | undefined; readonly stderr: string }> {
  await shop.server.sql("create table orders as select n as id from generate_series(1, 100) n");
  await shop.must(0, "backup");
  const xid = await shop.transaction("delete from orders");
  await shop.archived();
  const words = ["--method", "rewind-in-place", "--target-before-xid", xid, "--confirm", shop.confirm];
  return await pgrescue(["recover", ...words, "--config", configFile]);
}
