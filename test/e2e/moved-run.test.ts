import { join } from "node:path";
import { expect, test } from "vitest";
import { openRunRecord } from "../../src/cli/run/find-run.ts";
import { moveRun } from "../../src/cli/run/move-run.ts";
import { cutAtBoundaries } from "../support/power-cut.ts";
import { recoveryWorld, type RunReport } from "../support/recovery-world.ts";

function said(report: RunReport): string {
  return `${JSON.stringify(report.outcome)}\n${report.state.log.map((line) => line.text).join("\n")}`;
}

test.each(["start started", "finish promote"])(
  'a run that is moved to another disk when its own is full at "%s" goes on there, although its server still runs with the old paths',
  async (place) => {
    await using world = await recoveryWorld();
    const { server } = world;
    await server.sql("create table t (id int); insert into t values (1)");
    await world.backup();
    const xid = Number(await server.sql("insert into t values (2) returning pg_current_xact_id()::text"));
    await server.sql("insert into t values (3)");
    const inputs = await world.plan({ target: { kind: "xid", xid } }, { method: "rewind-in-place" });
    const name = "20261120T000000Z-moved";
    const first = join(world.directory, "first", "runs", name);
    const cuts = cutAtBoundaries((here) => here === place);
    const begun = await world.run(inputs, { name, directory: first, journal: (j) => cuts.wrap(j) }).catch(() => null);
    expect(begun?.outcome.exitCode).not.toBe(0);
    expect(cuts.places).toEqual([place]);
    const { postmaster } = await world.world.postgres.inspect(inputs.dataDirectory);
    expect(postmaster?.socketDirectory).toBe(join(first, "socket"));
    const found = await openRunRecord(join(world.directory, "first"), name);
    const moved = await moveRun(found, join(world.directory, "second"));
    const report = await world.run(inputs, { name, directory: moved.directory });
    expect(report.outcome.message, said(report)).toMatch(/every step is done/);
    expect(await server.sql("select string_agg(id::text, ',' order by id) from t")).toBe("1,2");
    expect(await server.sql("show unix_socket_directories")).toBe(server.socketDirectory);
  },
);
