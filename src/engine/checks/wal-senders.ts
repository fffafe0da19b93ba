import { alterSystem, notAsked, type Check } from "../check.ts";
import { settingNumber } from "./settings.ts";

/** Whether a backup over the replication protocol finds a free place. */
export const check: Check = {
  id: "wal-senders",
  title: "max_wal_senders leaves room for backups",
  ask: async ({ server }) => {
    if (server.state !== "up") return notAsked(server);
    const limit = await settingNumber(server.sql, "max_wal_senders");
    if (limit === null) return { result: "unknown", evidence: "max_wal_senders cannot be seen" };
    const [row] = await server.sql.query<{ used: number }>("select count(*)::int as used from pg_stat_replication");
    const used = row?.used ?? 0;
    const evidence = `max_wal_senders = ${limit}, ${used} in use`;
    if (limit - used >= 2) return { result: "pass", evidence };
    return {
      result: limit === 0 ? "fail" : "warn",
      evidence: `${evidence}; a remote backup needs two`,
      ...alterSystem("max_wal_senders", String(Math.max(10, used + 4)), "restart"),
    };
  },
};
