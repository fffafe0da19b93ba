// Moves one large object through a store, by ours or by the bare SDK, and writes how long the moving itself took:
//   transfer.mjs '{"who": "ours", "direction": "upload", "url": ..., "options": {...}, "bytes": ..., "partBytes": ...}' RESULT-FILE
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { openStore } from "../src/adapters/storage/registry.ts";
import { releaseBytes } from "../src/adapters/system/release-bytes.ts";
import { azureSdk, s3Sdk, type BareSdk } from "./bare-sdk.ts";

/** What is moved, and how. */
export interface Transfer {
  readonly who: "ours" | "sdk";
  readonly direction: "upload" | "download";
  readonly url: string;
  readonly options: { readonly endpoint: string; readonly region?: string };
  readonly bytes: number;
  /** Of the bare SDK's requests. */
  readonly partBytes: number;
}

/** As an archive's frames come: incompressible, some hundred KiB to a few MiB each. */
const chunk = randomBytes(4 * 1024 * 1024);

const [text = "{}", result = ""] = process.argv.slice(2);
const transfer = JSON.parse(text) as Transfer;
const key = "bench/object";

async function ours(): Promise<number> {
  const store = await openStore(transfer.url, transfer.options);
  const started = performance.now();
  if (transfer.direction === "upload") {
    const writer = await store.write(key);
    for (let sent = 0; sent < transfer.bytes; sent += chunk.length) await writer.write(Buffer.from(chunk));
    await writer.commit();
  } else {
    let got = 0;
    for await (const part of store.read(key)) {
      got += part.length;
      releaseBytes(part);
    }
    if (got !== transfer.bytes) throw new Error(`${got} of ${transfer.bytes} bytes arrived`);
  }
  return performance.now() - started;
}

async function bare(): Promise<number> {
  const sdk: BareSdk = transfer.url.startsWith("s3:") ? s3Sdk(transfer, key) : azureSdk(transfer, key);
  const started = performance.now();
  if (transfer.direction === "upload") await sdk.upload(chunk);
  else await sdk.download();
  return performance.now() - started;
}

const milliseconds = await (transfer.who === "ours" ? ours() : bare());
writeFileSync(result, String(milliseconds / 1000));
