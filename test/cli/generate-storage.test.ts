import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { pgrescue } from "../support/program.ts";

/** The JSON documents that a script writes to files, by the files' names. */
function documents(script: string): ReadonlyMap<string, unknown> {
  return new Map(
    [...script.matchAll(/^cat > (\S+) <<'END'\n([\s\S]*?)^END$/gm)].map(([, name = "", text = ""]) => [
      name,
      JSON.parse(text),
    ]),
  );
}

async function script(...words: readonly string[]): Promise<string> {
  const { exit, stdout, stderr } = await pgrescue(["generate", "storage", ...words]);
  expect(exit, stderr).toBe(0);
  expect(spawnSync("sh", ["-n"], { input: stdout }).status).toBe(0);
  return stdout;
}

describe("generate storage s3", () => {
  test("makes a bucket that is versioned, locked and private", async () => {
    const text = await script("s3", "--bucket", "acme-backup", "--region", "eu-central-1");
    for (const command of [
      "create-bucket",
      "put-public-access-block",
      "put-bucket-versioning",
      "put-object-lock-configuration",
    ])
      expect(text).toMatch(new RegExp(`^aws s3api ${command} .*--bucket acme-backup --region eu-central-1$`, "m"));
    expect(text).toContain("LocationConstraint=eu-central-1");
  });

  test("gives each identity what it needs, and the writer no right to delete", async () => {
    const found = documents(await script("s3", "--bucket", "acme-backup"));
    const actions = (name: string) =>
      (found.get(name) as { Statement: { Action: string[]; Resource: string }[] }).Statement.flatMap((s) => s.Action);
    expect(actions("writer.json")).toEqual(expect.arrayContaining(["s3:PutObject", "s3:GetObject", "s3:ListBucket"]));
    expect(actions("writer.json").filter((action) => action.includes("Delete"))).toEqual([]);
    expect(actions("expirer.json")).toContain("s3:DeleteObject");
    expect(actions("reader.json").filter((action) => /Put|Delete/.test(action))).toEqual([]);
  });
});

describe("generate storage azure", () => {
  test("makes a container without shared keys, and a writer's role that deletes nothing", async () => {
    const text = await script("azure", "--account", "acmebackup", "--container", "pg", "--vault", "acme-vault");
    expect(text).toMatch(/^az storage account create --name acmebackup .*--allow-shared-key-access false$/m);
    expect(text).toMatch(/^az storage container create --name pg --account-name acmebackup --auth-mode login$/m);
    expect(text).toContain("Key Vault Secrets User");
    expect(text).toContain("system:serviceaccount:postgres:pgrescue-writer");
    const role = documents(text).get("writer-role.json") as { DataActions: string[] };
    expect(role.DataActions.some((action) => action.endsWith("/delete"))).toBe(false);
    expect(role.DataActions).toContain("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write");
  });
});

test("what is not a name, or is missing, is refused before it gets into a script", async () => {
  for (const words of [["s3"], ["s3", "--bucket", "x; rm -rf /"], ["azure", "--account", "a'b"], ["gcs"], []]) {
    const { exit, stdout } = await pgrescue(["generate", "storage", ...words]);
    expect(exit).toBe(2);
    expect(stdout).toBe("");
  }
});
