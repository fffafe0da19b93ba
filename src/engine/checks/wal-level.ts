import { alterSystem, notAsked, type Check } from "../check.ts";
import { showSettings } from "./settings.ts";

/** Whether the WAL holds enough to recover from. */
export const check: Check = {
  id: "wal-level",
  title: "wal_level is enough for recovery",
  ask: async ({ server }) => {
    if (server.state !== "up") return notAsked(server);
    const level = (await showSettings(server.sql, ["wal_level"]))["wal_level"] ?? "unknown";
    if (level === "replica" || level === "logical") return { result: "pass", evidence: `wal_level = ${level}` };
    return {
      result: "fail",
      evidence: `wal_level = ${level}: its WAL cannot be used for recovery`,
      ...alterSystem("wal_level", "replica", "restart"),
    };
  },
};
