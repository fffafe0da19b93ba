// A local Azure Blob service for tests and measurements: Azurite from npm, on loopback, with its data in a directory.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export interface AzureServer {
  /** With the account's name, as Azurite wants it. */
  readonly endpoint: string;
  readonly account: string;
  readonly key: string;
  stop(): Promise<void>;
}

/** Starts Azurite with an account of its own; a second or two. With a certificate it speaks TLS. Throws when it does not answer. */
export async function startAzurite(
  directory: string,
  tls?: { readonly cert: string; readonly key: string },
): Promise<AzureServer> {
  const port = await freePort();
  const account = "rescue";
  const key = randomBytes(64).toString("base64");
  const script = join(dirname(createRequire(import.meta.url).resolve("azurite/package.json")), "dist/src/blob/main.js");
  const child = spawn(
    process.execPath,
    [
      script,
      "--silent",
      "--disableTelemetry",
      "--skipApiVersionCheck",
      "--location",
      directory,
      "--blobHost",
      "127.0.0.1",
      "--blobPort",
      String(port),
      ...(tls === undefined ? [] : ["--cert", tls.cert, "--key", tls.key]),
    ],
    { stdio: "ignore", env: { ...process.env, AZURITE_ACCOUNTS: `${account}:${key}` } },
  );
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once("exit", done));
    child.kill("SIGKILL");
    await gone;
  };
  const scheme = tls === undefined ? "http" : "https";
  for (let tries = 0; tries < 300; tries++) {
    if (await isListening(port)) return { endpoint: `${scheme}://127.0.0.1:${port}/${account}`, account, key, stop };
    if (child.exitCode !== null) break;
    await delay(100);
  }
  await stop();
  throw new Error("Azurite does not answer");
}

function isListening(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => done(true)).once("error", () => done(false));
    socket.once("connect", () => socket.destroy());
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", () => done()));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === "object" && address !== null ? address.port : 0;
}
