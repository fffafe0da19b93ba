import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { guarded } from "../../../src/adapters/storage/guarded.ts";
import { openStore } from "../../../src/adapters/storage/registry.ts";
import { nativeLeasing } from "../../../src/adapters/repository/native/leasing.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { takeLease, type LeaseRequest } from "../../../src/engine/lease/held-lease.ts";
import { temporaryDirectory } from "../../support/server.ts";

const period = 0.6;

test("two runs: one gets the lease, it is renewed, and once it is lost nothing more is written or removed", async () => {
  await using directory = await temporaryDirectory();
  const store = await openStore(directory.path);
  const leasing = nativeLeasing(store);
  const request = (run: string): LeaseRequest => ({
    leasing,
    repository: "main",
    cluster: "shop",
    holder: { host: "h", pid: 1, process: null, user: "u", run, command: "expire" },
    token: run,
    periodSeconds: period,
    clock: systemClock,
    isGone: async () => null,
    warn: () => undefined,
  });
  const first = await takeLease(request("one"));
  await expect(takeLease(request("two"))).rejects.toMatchObject({ code: "locked" });
  await delay(2 * period * 1000);
  expect((await leasing.observe("shop")).lease?.renewals).toBeGreaterThan(1);

  const watched = guarded(store, async () => first?.ensure());
  await watched.put("a", Buffer.from("1"));
  // Somebody breaks it, renewals in between or not, and another run takes it.
  let broken = null;
  while (broken === null) broken = await leasing.replace("shop", null, await leasing.observe("shop"));
  const second = await takeLease(request("two"));
  await delay(period * 1000);
  await expect(watched.put("b", Buffer.from("1"))).rejects.toMatchObject({ code: "locked" });
  await expect(watched.delete("a")).rejects.toMatchObject({ code: "locked" });
  expect(await store.get("b")).toBeNull();
  expect(await store.get("a")).not.toBeNull();

  await first?.release();
  expect((await leasing.observe("shop")).lease?.token).toBe("two");
  await second?.release();
  expect((await leasing.observe("shop")).lease).toBeNull();
});
