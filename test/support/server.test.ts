import { expect, test } from "vitest";
import { startServer } from "./server.ts";

test("a throwaway server answers and is gone afterwards", async () => {
  await using server = await startServer({ tablespaces: ["fast"] });
  expect(await server.sql("select spcname from pg_tablespace where spcname = 'fast'")).toBe("fast");
});
