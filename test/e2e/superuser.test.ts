import { expect, test } from "vitest";
import { createShell } from "../../src/adapters/system/exec.ts";
import { recoveryWorld, type RecoveryWorld } from "../support/recovery-world.ts";
import { eventually } from "../support/wal-world.ts";

/** psql as the superuser that initdb made, once it is no longer called postgres. */
async function asDba(server: RecoveryWorld["server"], text: string): Promise<string> {
  const at = ["-h", server.socketDirectory, "-p", String(server.port), "-U", "dba", "-d", "postgres"];
  const { exit, stdout, stderr } = await createShell().run(
    [`${server.bin}/psql`, "-XqAt", "-v", "ON_ERROR_STOP=1", ...at, "-f", "-"],
    { input: text },
  );
  if (exit !== 0) throw new Error(stderr);
  return stdout.trim();
}

test.each(["restore-to-scratch", "rewind-in-place"] as const)(
  "a cluster without a role postgres is recovered by %s as the superuser that the backup knows",
  async (method) => {
    await using world = await recoveryWorld();
    const { server } = world;
    await server.sql("create table t (id int); create role helper superuser login");
    const asHelper = ["-h", server.socketDirectory, "-p", String(server.port), "-U", "helper", "-d", "postgres"];
    await createShell().run([`${server.bin}/psql`, ...asHelper, "-c", "alter role postgres rename to dba"]);
    await asDba(server, "create role postgres superuser login");
    await world.backup();
    await asDba(server, "drop role postgres; drop role helper; insert into t values (1)");
    const name = await asDba(server, "select pg_walfile_name(pg_switch_wal())");
    await eventually(
      async () => (await asDba(server, `select last_archived_wal >= '${name}' from pg_stat_archiver`)) === "t",
      "the segment is not archived",
    );
    const inputs = await world.plan({ target: { kind: "latest" } }, { method });
    expect(inputs.site).toMatchObject({ superuser: "dba", database: "postgres" });
    // The backup's connection is the test world's own, as postgres.
    const report = await world.run(inputs, {
      runbook: (book) => ({ ...book, steps: book.steps.filter(({ id }) => id !== "fresh-backup") }),
    });
    expect(report.outcome.message, JSON.stringify(report.outcome)).toMatch(/every step is done/);
    const { host, port } = report.state.recorded["server"] as { host: string; port: number };
    const where = method === "rewind-in-place" ? server : { ...server, socketDirectory: host, port };
    expect(await asDba(where, "select count(*) from t")).toBe("1");
  },
);
