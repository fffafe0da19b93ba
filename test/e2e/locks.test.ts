import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openShop, type Shop } from "../support/shop.ts";

let shop: Shop;
let file: string;

beforeAll(async () => {
  shop = await openShop();
  file = join(shop.repository, "locks", "shop.json");
  await shop.must(0, "backup");
});

afterAll(async () => {
  await shop[Symbol.asyncDispose]();
});

async function lease(): Promise<{
  readonly state: string;
  readonly holder?: { readonly run: string; readonly pid: number };
}> {
  return JSON.parse(await readFile(file, "utf8")) as { state: string };
}

/** The lock as a run of another host, or of this one's past, would have left it. */
async function held(holder: object, periodSeconds = 60): Promise<void> {
  const now = new Date().toISOString();
  const all = { host: "elsewhere", pid: 1, process: null, user: "postgres", run: "other-run", command: "expire" };
  await writeFile(
    file,
    JSON.stringify({
      format: "pgrescue.lease/v1",
      state: "held",
      cluster: "shop",
      holder: { ...all, ...holder },
      token: "t",
      since: now,
      renewedAt: now,
      renewals: 0,
      periodSeconds,
    }),
  );
}

test("a finished run leaves the lock free", async () => {
  // Its last words come before it gives the lock back; the next command waits for that by itself.
  await shop.must(0, "backup");
  await expect.poll(async () => (await lease()).state).toBe("free");
});

test("another host's lock stops backup, is waited for, skipped, and never stops archiving", async () => {
  await held({});
  const refused = await shop.must(11, "backup");
  expect(refused.stderr).toContain("other-run");
  expect(refused.stderr).toContain("elsewhere");
  const skipped = await shop.must(0, "backup", "--if-locked", "skip", "--json");
  expect(JSON.parse(skipped.stdout)).toMatchObject({ schema: "pgrescue.skipped/v1", code: "locked" });
  await shop.must(11, "backup", "--lock-wait", "1s");
  await shop.archived();
});

test("a lock that is not renewed is explained, then broken once it was watched", async () => {
  await held({}, 1);
  expect((await shop.must(0, "unlock")).stderr).toContain("locked by run other-run");
  expect((await lease()).state).toBe("held");
  await shop.must(0, "unlock", "--apply");
  expect((await lease()).state).toBe("free");
  await shop.must(0, "backup");
});

test("what a killed run leaves is never skipped, and broken only by unlock", async () => {
  const run = shop.watch("backup", "--checkpoint", "spread");
  expect(await run.until((event) => event.event === "step-started" && event.step === "copy")).not.toBeNull();
  const { pid } = (await lease()).holder ?? {};
  if (pid === undefined) throw new Error("the run has no lock");
  process.kill(pid, "SIGKILL");
  await run.ended;
  expect((await lease()).state).toBe("held");
  const refused = await shop.must(11, "backup", "--if-locked", "skip");
  expect(refused.stderr).toContain("does not exist any more");
  expect((await shop.must(0, "unlock")).stderr).toContain("its run is dead");
  expect((await lease()).state).toBe("held");
  await shop.must(0, "unlock", "--apply");
  expect((await lease()).state).toBe("free");
  await shop.must(0, "backup");
});
