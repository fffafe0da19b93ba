import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { exitCodeNow } from "../../src/cli/run/exit-code.ts";
import { temporaryDirectory } from "../support/server.ts";

const id = "R20261120-0314-k3f";

/** What a viewer's exit code is where a socket in the run's directory does that with each connection. */
async function codeWhere(act: ((socket: Socket) => void) | null): Promise<number> {
  await using state = await temporaryDirectory();
  const directory = join(state.path, "runs", id);
  await mkdir(directory, { recursive: true });
  if (act === null) return exitCodeNow({ id, directory });
  const server = createServer(act);
  await new Promise<void>((done) => void server.listen(join(directory, "runner.sock"), done));
  try {
    return await exitCodeNow({ id, directory });
  } finally {
    server.close();
  }
}

test("a run is at work where its runner says something", async () => {
  expect(await codeWhere((socket) => void socket.write('{"event":"any"}\n'))).toBe(0);
});

test("a socket that takes a connection and then dies is that of a runner being killed: the run was cut off", async () => {
  expect(await codeWhere((socket) => void socket.destroy())).toBe(40);
  expect(await codeWhere((socket) => void socket.end())).toBe(40);
});

test("a runner that is killed before it has taken the connection resets it: that is no crash of the viewer", async () => {
  await using state = await temporaryDirectory();
  const directory = join(state.path, "runs", id);
  await mkdir(directory, { recursive: true });
  const socket = join(directory, "runner.sock");
  const busy = `require("node:net").createServer().listen(${JSON.stringify(socket)}, () => { console.log("up"); for (;;); })`;
  for (let n = 0; n < 15; n++) {
    await rm(socket, { force: true });
    const child = spawn(process.execPath, ["-e", busy], { stdio: ["ignore", "pipe", "ignore"] });
    await once(child.stdout, "data");
    const code = exitCodeNow({ id, directory });
    await delay(n);
    child.kill("SIGKILL");
    expect(await code).toBe(40);
  }
});

test("without a runner it was cut off", async () => {
  expect(await codeWhere(null)).toBe(40);
});
