import { formatBytes } from "../../domain/quantity.ts";
import { alterSystem, notAsked, type Check, type Answer } from "../check.ts";
import { settingNumber } from "./settings.ts";

/** Whether forgotten replication slots can fill pg_wal, and whether one has lost its WAL. */
export const check: Check = {
  id: "slots",
  title: "Replication slots cannot fill the disk",
  ask: async ({ server }) => {
    if (server.state !== "up") return notAsked(server);
    const limit = await settingNumber(server.sql, "max_slot_wal_keep_size");
    const slots = await server.sql.query<{ slot: string; active: boolean; status: string | null; held: string | null }>(
      `select slot_name::text as slot, active, wal_status as status,
         (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end - restart_lsn)::bigint::text as held
       from pg_replication_slots order by restart_lsn nulls last limit 100`,
    );
    const findings: Answer[] = [];
    for (const { slot, active, status, held } of slots) {
      const evidence = `${slot}: ${active ? "active" : "inactive"}, holds ${formatBytes(Number(held ?? "0"))}${status === null ? "" : `, ${status}`}`;
      if (status === "lost")
        findings.push({
          name: slot,
          result: "fail",
          evidence,
          mend: `Its consumer needs a new start; then run \`SELECT pg_drop_replication_slot('${slot.replaceAll("'", "''")}');\`.`,
        });
      else if (!active && (limit ?? -1) < 0)
        findings.push({
          name: slot,
          result: "warn",
          evidence: `${evidence}; nothing limits it`,
          ...alterSystem("max_slot_wal_keep_size", "50GB", "reload"),
        });
    }
    if (findings.length > 0) return findings;
    const keep = await settingNumber(server.sql, "wal_keep_size");
    return { result: "pass", evidence: `${slots.length} slots${keep === null ? "" : `, wal_keep_size = ${keep} MB`}` };
  },
};
