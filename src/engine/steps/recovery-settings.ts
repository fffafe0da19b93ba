import type { RecoveryInputs } from "../../domain/plan.ts";
import type { Settings } from "../../ports/postgres.ts";
import type { OwnServer } from "./own-server.ts";
import { majorOf } from "./recovery-inputs.ts";

/** What makes PostgreSQL recover to the plan's target: its settings as they were shown, and what must not come from elsewhere. */
export function recoverySettings(inputs: RecoveryInputs, restoreCommand: string): Settings {
  return {
    ...inputs.settings,
    restore_command: restoreCommand,
    recovery_end_command: "",
    archive_cleanup_command: "",
    recovery_min_apply_delay: "0",
    hot_standby: "on",
  };
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
