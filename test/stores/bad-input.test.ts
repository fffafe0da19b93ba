import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import { inject, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { pgrescue, type ProgramResult } from "../support/program.ts";
import { temporaryDirectory } from "../support/server.ts";
import { azurePlace, s3Place } from "./places.ts";

/** `points` on a repository whose entry in the configuration is this. */
async function points(
  entry: { readonly [key: string]: unknown },
  env: { readonly [name: string]: string } = {},
): Promise<ProgramResult & { readonly what: string }> {
  await using directory = await temporaryDirectory();
  const config = join(directory.path, "pgrescue.yaml");
  await mkdir(join(directory.path, "state"));
  await writeFile(config, stringify({ repositories: { main: entry } }));
  const result = await pgrescue(["points", "--config", config, "--state-dir", join(directory.path, "state")], { env });
  expect(result.stdout).toBe("");
  return { ...result, what: result.stderr.split("\n")[0] ?? "" };
}

describe.skipIf(inject("s3") === null)("what is wrong with S3 is said, with the way out", () => {
  const place = s3Place();
  test.each<[string, number, RegExp, (p: Awaited<typeof place>) => Parameters<typeof points>]>([
    [
      "a bucket that is not there",
      10,
      /there is no bucket rescue-nowhere at 127\.0\.0\.1/,
      (p) => [{ url: "s3://rescue-nowhere/x", ...p.options }, p.env],
    ],
    [
      "an unknown access key",
      12,
      /does not know the access key/,
      (p) => [
        { url: p.url, ...p.options },
        { ...p.env, AWS_ACCESS_KEY_ID: "NOBODYNOBODYNOBODY12" },
      ],
    ],
    [
      "a wrong secret key",
      12,
      /the secret key is not that of the access key/,
      (p) => [
        { url: p.url, ...p.options },
        { ...p.env, AWS_SECRET_ACCESS_KEY: "not-the-secret" },
      ],
    ],
    [
      "somebody else's bucket",
      12,
      /forbids it \(AccessDenied\)/,
      (p) => [
        { url: p.url, ...p.options },
        {
          AWS_ACCESS_KEY_ID: inject("s3")?.stranger.accessKeyId ?? "",
          AWS_SECRET_ACCESS_KEY: inject("s3")?.stranger.secretAccessKey ?? "",
        },
      ],
    ],
    [
      "no credentials anywhere",
      12,
      /no credentials for S3 were found/,
      (p) => [{ url: p.url, ...p.options }, { AWS_EC2_METADATA_DISABLED: "true" }],
    ],
    [
      "a credentials file that is not there",
      12,
      /the credentials file cannot be read/,
      (p) => [{ url: p.url, ...p.options, credentialsFile: "/nowhere/credentials" }],
    ],
    [
      "an endpoint where nothing listens",
      40,
      /127\.0\.0\.1:1 refuses connections/,
      (p) => [{ url: p.url, endpoint: "http://127.0.0.1:1" }, p.env],
    ],
    [
      "an endpoint whose name is unknown",
      40,
      /the name of store\.invalid cannot be resolved/,
      (p) => [{ url: p.url, endpoint: "https://store.invalid" }, p.env],
    ],
    [
      "an endpoint that speaks no TLS",
      40,
      /is not trusted|broke off/,
      (p) => [{ url: p.url, endpoint: String(p.options["endpoint"]).replace("http:", "https:") }, p.env],
    ],
    [
      "an endpoint with a password in it",
      2,
      /not an http or https address/,
      (p) => [{ url: p.url, endpoint: "https://user:hunter2@store" }, p.env],
    ],
    [
      "an option of another kind of storage",
      2,
      /sasFile.*is for azure only/,
      (p) => [{ url: p.url, sasFile: "/x" }, p.env],
    ],
  ])("%s", async (_name, exit, message, asked) => {
    const result = await points(...asked(await place));
    expect(result.what).toMatch(message);
    expect(result.exit).toBe(exit);
    expect(result.stderr).toMatch(/What to do: {2,}\S/);
    expect(result.stderr).not.toMatch(/hunter2|not-the-secret/);
  });
});

describe.skipIf(inject("azure") === null)("what is wrong with Azure is said, with the way out", () => {
  const place = azurePlace();
  const sas = async (permissions: string, expiresOn: Date): Promise<string> => {
    const azure = inject("azure");
    const container = (await place).url.split("/")[3] ?? "";
    return generateBlobSASQueryParameters(
      { containerName: container, permissions: ContainerSASPermissions.parse(permissions), expiresOn },
      new StorageSharedKeyCredential(azure?.account ?? "", azure?.key ?? ""),
    ).toString();
  };
  const hour = 3_600_000;
  test.each<[string, number, RegExp, (p: Awaited<typeof place>) => Promise<Parameters<typeof points>>]>([
    [
      "a container that is not there",
      10,
      /there is no container nowhere in account rescue/,
      async (p) => [{ url: "azure://rescue/nowhere/x", ...p.options }, p.env],
    ],
    [
      "a wrong key",
      12,
      /does not (?:accept the key, SAS or token|let this host, or this key, in)/,
      async (p) => [
        { url: p.url, ...p.options },
        { AZURE_STORAGE_KEY: Buffer.from("hunter2hunter2").toString("base64") },
      ],
    ],
    [
      "a SAS that is over",
      12,
      /the SAS expired at 20\d\d-/,
      async (p) => [
        { url: p.url, ...p.options },
        { AZURE_STORAGE_SAS_TOKEN: await sas("rl", new Date(Date.now() - hour)) },
      ],
    ],
    [
      "a SAS without the right to list",
      12,
      /forbids it/,
      async (p) => [
        { url: p.url, ...p.options },
        { AZURE_STORAGE_SAS_TOKEN: await sas("w", new Date(Date.now() + hour)) },
      ],
    ],
    [
      "a key file that is not there",
      12,
      /the file with the storage credentials cannot be read/,
      async (p) => [{ url: p.url, ...p.options, keyFile: "/nowhere/key" }],
    ],
    [
      "a connection string that is none",
      12,
      /the connection string cannot be understood/,
      async (p) => [{ url: p.url, ...p.options }, { AZURE_STORAGE_CONNECTION_STRING: "hunter2" }],
    ],
    [
      "an endpoint where nothing listens",
      40,
      /127\.0\.0\.1:1 refuses connections/,
      async (p) => [{ url: p.url, endpoint: "http://127.0.0.1:1/rescue" }, p.env],
    ],
    [
      "an account that does not exist",
      40,
      /cannot be resolved/,
      async (p) => [{ url: p.url, endpoint: "https://nobody.invalid" }, p.env],
    ],
    ["a URL without a container", 2, /names no account and container/, async (p) => [{ url: "azure://rescue" }, p.env]],
  ])("%s", async (_name, exit, message, asked) => {
    const result = await points(...(await asked(await place)));
    expect(result.what).toMatch(message);
    expect(result.exit).toBe(exit);
    expect(result.stderr).toMatch(/What to do: {2,}\S/);
    expect(result.stderr).not.toMatch(/hunter2|sig=/);
  });
});
