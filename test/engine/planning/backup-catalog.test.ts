import { expect, test } from "vitest";
import type { Json } from "../../../src/domain/brand.ts";
import type { RecoveryPoint } from "../../../src/domain/recovery-point.ts";
import { backupFacts, type BackupFacts } from "../../../src/engine/planning/backup-catalog.ts";
import type { Repository } from "../../../src/ports/repository.ts";

function factsOf(catalog: () => Promise<Json>): Promise<BackupFacts> {
  const repository = { openBackup: async () => ({ catalog }) } as unknown as Repository;
  return backupFacts(repository, {} as RecoveryPoint);
}

const role = (oid: string, name: string, superuser: boolean, login = true): Json => ({ oid, name, superuser, login });

test("the superuser of initdb is taken, whatever its name; another one where it may not log in", async () => {
  const others = [role("16384", "app", false), role("16385", "admin", true)];
  expect((await factsOf(async () => ({ roles: [...others, role("10", "dba", true)] }))).superuser).toBe("dba");
  expect((await factsOf(async () => ({ roles: [...others, role("10", "dba", true, false)] }))).superuser).toBe("admin");
  expect((await factsOf(async () => ({ roles: [role("16384", "app", false)] }))).superuser).toBe(null);
});

test("a database that allows connections is taken, postgres and template1 first", async () => {
  const app = { name: "app", isTemplate: false };
  const template = { name: "template1", isTemplate: true };
  const databases = [{ name: "template0", isTemplate: true, error: "it allows no connections" }, app];
  expect((await factsOf(async () => ({ databases }))).database).toBe("app");
  expect((await factsOf(async () => ({ databases: [...databases, template] }))).database).toBe("template1");
  const all = [...databases, template, { name: "postgres" }];
  expect((await factsOf(async () => ({ databases: all }))).database).toBe("postgres");
});

test("a catalog that cannot be read, or tells nothing, leaves a warning and nothing known", async () => {
  const unread = await factsOf(() => Promise.reject(new Error("no such object")));
  expect(unread).toMatchObject({ floors: {}, superuser: null, database: null });
  expect(unread.warnings.join()).toContain("no such object");
  expect(await factsOf(async () => null)).toMatchObject({
    superuser: null,
    database: null,
    warnings: [expect.stringContaining("max_connections")],
  });
});
