import { expect, test } from "vitest";
import { parseInstant } from "../../src/domain/instant.ts";
import { recoveryWorld } from "../support/recovery-world.ts";

test("a scratch server stands exactly at the target, checked, while production goes on", async () => {
  await using world = await recoveryWorld();
  const { server } = world;
  await server.sql(
    "create table orders (id int primary key, note text); insert into orders select g, 'x' from generate_series(1, 1000) g",
  );
  await world.backup();
  await server.sql("insert into orders select g, 'y' from generate_series(1001, 1500) g");
  const moment = parseInstant(`${await server.sql("select clock_timestamp() at time zone 'utc'")}Z`);
  await server.sql("delete from orders");
  await world.archived();
  const inputs = await world.plan({ target: { kind: "time", time: moment ?? (0n as never) } });
  const report = await world.run(inputs);
  expect(report.outcome.message, JSON.stringify(report.outcome)).toMatch(/every step is done/);
  expect(await world.query(report, "select count(*) from orders")).toBe("1500");
  expect(await world.query(report, "select pg_is_in_recovery()")).toBe("f");
  expect(await server.sql("select count(*) from orders")).toBe("0");
});
