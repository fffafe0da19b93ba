import { formatLsn, type Lsn } from "../../domain/lsn.ts";
import type { RecoveryInputs } from "../../domain/plan.ts";
import type { Settings } from "../../ports/postgres.ts";
import type { OwnServer } from "./own-server.ts";
import { lsnOf, majorOf } from "./recovery-inputs.ts";

/**
 * What makes PostgreSQL recover to the plan's target. Where there is a target the server pauses there, whatever happens
 * next: where it stopped is checked before anything is promoted. Without a target (latest) recovery ends by promoting.
 * `consistentFrom` is the end of the backup: recovery can stop nowhere before.
 */
export function recoverySettings(inputs: RecoveryInputs, restoreCommand: string, consistentFrom: Lsn): Settings {
  return {
    ...stopSettings(inputs, consistentFrom),
    restore_command: restoreCommand,
    recovery_target_action: "pause",
    recovery_end_command: "",
    archive_cleanup_command: "",
    recovery_min_apply_delay: "0",
    hot_standby: "on",
  };
}

/**
 * A target that PostgreSQL finds by the first lost commit (a time, a transaction that is left out) stops with that
 * transaction still open: a DROP TABLE or TRUNCATE then keeps its exclusive lock while recovery is paused, and nobody can
 * look at the table. The same commits are kept by stopping right after the last kept one instead, where that is possible.
 */
function stopSettings(inputs: RecoveryInputs, consistentFrom: Lsn): Settings {
  const { kind, inclusive, lastCommit } = inputs.target;
  const stopsBefore = kind === "time" || (kind === "xid" && !inclusive);
  const last = lastCommit === null ? null : lsnOf(lastCommit.lsn);
  if (!stopsBefore || last === null || last < consistentFrom) return inputs.settings;
  const others = Object.entries(inputs.settings).filter(
    ([name]) => !/^recovery_target(_time|_xid|_lsn|_name|_inclusive)?$/.test(name),
  );
  return { ...Object.fromEntries(others), recovery_target_lsn: formatLsn(last), recovery_target_inclusive: "on" };
}

/**
 * What keeps everybody away from a server that recovers in production's own place with production's configuration: its
 * socket is ours alone, it talks to nobody, waits for no standby and starts no jobs. archive_mode stays on without a
 * command: PostgreSQL then keeps what it finishes for the archiving that resumes later, histories included.
 */
export function fenceSettings(inputs: RecoveryInputs, server: OwnServer, configured: Settings): Settings {
  return {
    listen_addresses: "",
    port: String(server.port),
    unix_socket_directories: server.socketDirectory,
    unix_socket_permissions: "0700",
    hba_file: server.hbaFile,
    ident_file: server.identFile,
    external_pid_file: "",
    ssl: "off",
    cluster_name: server.clusterName,
    archive_mode: "on",
    archive_command: "",
    ...(majorOf(inputs) >= 15 ? { archive_library: "" } : {}),
    primary_conninfo: "",
    primary_slot_name: "",
    synchronous_standby_names: "",
    max_logical_replication_workers: "0",
    "cron.launch_active_jobs": "off",
    logging_collector: "off",
    log_destination: "stderr",
    log_line_prefix: "%m [%p] ",
    log_min_messages: "warning",
    lc_messages: "C",
    ...raised(inputs.floors, configured),
  };
}

/** Parameters that replay needs at least: the configured value where it is more. */
function raised(floors: RecoveryInputs["floors"], configured: Settings): Settings {
  return Object.fromEntries(
    Object.entries(floors).map(([name, floor]) => {
      const value = Number(configured[name] ?? 0);
      return [name, String(value > floor ? value : floor)];
    }),
  );
}
