import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { BlobServiceClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { startAzurite } from "../scripts/azurite.ts";
import { startCephGateway } from "../scripts/ceph-gateway.ts";
import { runnerFlags } from "../src/cli/run/launch-run.ts";
import { makeCertificate, type Certificate } from "./certificate.ts";
import type { Comparison } from "./compare.ts";
import type { Measured } from "./measure.ts";
import { openTlsFront } from "./tls-front.ts";
import type { Transfer } from "./transfer.ts";
import type { BenchWorld } from "./world.ts";

/** A real object store with an empty place in it. */
export interface BenchStore extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly options: Transfer["options"];
  /** Credentials, as the clouds' own programs read them. */
  readonly env: { readonly [name: string]: string };
  readonly certificate: Certificate;
}

/** Ceph's gateway below `directory`, with a bucket, behind TLS. */
export async function benchS3(directory: string): Promise<BenchStore> {
  await mkdir(directory, { mode: 0o755 });
  const server = await startCephGateway(directory);
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey };
  const certificate = makeCertificate(directory);
  const front = await openTlsFront(Number(new URL(endpoint).port), certificate);
  const admin = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials });
  const bucket = `bench-${randomBytes(4).toString("hex")}`;
  await admin.send(new CreateBucketCommand({ Bucket: bucket }));
  admin.destroy();
  return {
    name: "S3 (Ceph)",
    url: `s3://${bucket}/bench`,
    options: { endpoint: `https://localhost:${front.port}`, region: "us-east-1" },
    env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, ...trusting(certificate) },
    certificate,
    [Symbol.asyncDispose]: async () => {
      await front[Symbol.asyncDispose]();
      await server.stop();
    },
  };
}

/** Azurite below `directory`, with a container; over TLS, as Azure itself. */
export async function benchAzure(directory: string): Promise<BenchStore> {
  await mkdir(directory);
  const certificate = makeCertificate(directory);
  const server = await startAzurite(directory, certificate);
  const { endpoint, account, key } = server;
  const admin = new BlobServiceClient(endpoint, new StorageSharedKeyCredential(account, key), {
    tlsOptions: { ca: readFileSync(certificate.cert, "utf8") },
  });
  await admin.createContainer("bench");
  return {
    name: "Azure (Azurite)",
    url: `azure://${account}/bench/bench`,
    options: { endpoint },
    env: { AZURE_STORAGE_KEY: key, ...trusting(certificate) },
    certificate,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** For Node, and for the client that this process opens. */
function trusting({ cert }: Certificate): { readonly [name: string]: string } {
  return { NODE_EXTRA_CA_CERTS: cert, AWS_CA_BUNDLE: cert };
}

/** Sizes of parts that the bare SDK is tried with; the fastest counts. */
const partSizes = [8, 16, 32].map((mebibytes) => mebibytes * 1024 * 1024);

const objectBytes = 512 * 1024 * 1024;

/** One large object up and down, beside the bare SDK with the best size of parts. */
export async function transferComparisons(
  world: BenchWorld,
  store: BenchStore,
  rounds: number,
): Promise<readonly Comparison[]> {
  const script = await world.bundle("transfer");
  const { url, options, env } = store;
  const result = join(world.home, "seconds");
  const move = async (transfer: Pick<Transfer, "who" | "direction" | "partBytes">): Promise<Measured> => {
    const words = JSON.stringify({ ...transfer, url, options, bytes: objectBytes });
    const measured = await world.run([world.program.node, ...runnerFlags, script, words, result], { env });
    return { ...measured, seconds: Number(await readFile(result, "utf8")) };
  };
  const comparisons: Comparison[] = [];
  for (const direction of ["upload", "download"] as const) {
    const tried: { partBytes: number; seconds: number }[] = [];
    for (const partBytes of partSizes) {
      const { seconds } = await move({ who: "sdk", direction, partBytes });
      tried.push({ partBytes, seconds });
    }
    const best = tried.toSorted((a, b) => a.seconds - b.seconds)[0]?.partBytes ?? 0;
    comparisons.push({
      id: `${direction}-${url.split(":")[0]}`,
      what: `${direction} of 512 MiB, ${store.name}`,
      peerName: `bare SDK, ${best / 1024 / 1024} MiB parts`,
      // A share of 0.9 of its throughput.
      goal: 1 / 0.9,
      rounds,
      ours: { run: () => move({ who: "ours", direction, partBytes: best }) },
      peer: { run: () => move({ who: "sdk", direction, partBytes: best }) },
    });
  }
  return comparisons;
}
