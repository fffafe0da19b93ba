import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { startAzurite } from "../../scripts/azurite.ts";
import { cephNeeds, startCephGateway } from "../../scripts/ceph-gateway.ts";

/** What tests are told of a server; null: this machine has none, and nothing required it. */
export type S3Place = Omit<Awaited<ReturnType<typeof startCephGateway>>, "stop">;
export type AzurePlace = Omit<Awaited<ReturnType<typeof startAzurite>>, "stop">;

declare module "vitest" {
  export interface ProvidedContext {
    s3: S3Place | null;
    azure: AzurePlace | null;
  }
}

const required = new Set((process.env["REQUIRE_TESTS"] ?? "").split(","));

/** Starts the object stores once for all tests of this folder. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directories: string[] = [];
  const place = (name: string): string => {
    const directory = mkdtempSync(join(tmpdir(), `pgrescue-${name}-`));
    directories.push(directory);
    return directory;
  };
  const hasCeph = cephNeeds.every((need) => need.isThere());
  if (!hasCeph && required.has("s3")) throw new Error("REQUIRE_TESTS names s3, but Ceph's gateway is not installed");
  const [s3, azure] = await Promise.all([
    hasCeph ? startCephGateway(place("ceph")) : null,
    startAzurite(place("azurite")),
  ]);
  project.provide("s3", s3 === null ? null : told(s3));
  project.provide("azure", told(azure));
  return async () => {
    await s3?.stop();
    await azure.stop();
    for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  };
}

/** What can be handed to other processes: everything but the way to stop it. */
function told<T extends { stop: unknown }>({ stop: _, ...rest }: T): Omit<T, "stop"> {
  return rest;
}
