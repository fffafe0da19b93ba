import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { createWindow, type PrefetchWindow } from "../../../src/adapters/wal/prefetch-window.ts";
import { answerRequests, askPrefetcher } from "../../../src/adapters/wal/prefetch-socket.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { eventually } from "../../support/wal-world.ts";

const after = (name: string): string => String(Number(name) + 1);

async function openWindow(load: (name: string) => Promise<readonly Uint8Array[] | null>): Promise<{
  readonly window: PrefetchWindow;
  readonly ready: string;
  readonly files: () => Promise<readonly string[]>;
  [Symbol.asyncDispose](): PromiseLike<void>;
}> {
  const directory = await temporaryDirectory();
  const ready = join(directory.path, "ready");
  await mkdir(ready);
  return {
    window: createWindow({ ready, ahead: 3, parallel: 2, load, after }),
    ready,
    files: async () => (await readdir(ready)).filter((name) => !name.endsWith(".tmp")).sort(),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

test("the window keeps so many ahead, moves as they are taken and forgets what was skipped", async () => {
  const loads: string[] = [];
  await using opened = await openWindow((name) => {
    loads.push(name);
    return Promise.resolve([Buffer.from(name)]);
  });
  const { window, ready, files } = opened;
  expect(await window.want("10")).toBe(true);
  await eventually(async () => (await files()).join() === "10,11,12", "not three ahead");
  await rm(join(ready, "10"));
  await rm(join(ready, "11"));
  expect(await window.advance()).toBe(true);
  await eventually(async () => (await files()).join() === "12,13,14", "did not move");
  expect(await window.want("50")).toBe(true);
  await eventually(async () => (await files()).join() === "50,51,52", "did not jump");
  expect(new Set(loads).size).toBe(loads.length);
  await window.close(true);
  expect(await files()).toEqual([]);
});

test("what cannot be had is said at once and nothing beyond it is loaded", async () => {
  await using opened = await openWindow((name) =>
    Number(name) < 12
      ? Promise.resolve([Buffer.from(name)])
      : Number(name) === 12
        ? Promise.resolve(null)
        : Promise.reject(new Error("away")),
  );
  const { window, files } = opened;
  expect(await window.want("11")).toBe(true);
  expect(await window.want("12")).toBe(false);
  expect(await window.want("20")).toBe(false);
  await delay(50);
  expect(await files()).toEqual([]);
  await window.close(true);
});

test("one prefetcher answers; a dead one's socket is taken over, junk is not answered with ready", async () => {
  await using directory = await temporaryDirectory();
  const socket = join(directory.path, "prefetch.sock");
  const segment = "000000010000000000000001";
  expect(await askPrefetcher(socket, segment, 1000)).toBeNull();
  const first = await answerRequests(socket, (name) => Promise.resolve(name === segment));
  expect(await answerRequests(socket, () => Promise.resolve(true))).toBeNull();
  expect(await askPrefetcher(socket, segment, 1000)).toBe(true);
  expect(await askPrefetcher(socket, "000000010000000000000002", 1000)).toBe(false);
  expect(await askPrefetcher(socket, "../../etc/passwd", 1000)).toBe(false);
  first?.close();
});

test("a prefetcher that hangs does not hold recovery", async () => {
  await using directory = await temporaryDirectory();
  const socket = join(directory.path, "prefetch.sock");
  const server = await answerRequests(socket, () => new Promise<boolean>(() => undefined));
  expect(await askPrefetcher(socket, "000000010000000000000001", 100)).toBe(false);
  server?.close();
});
