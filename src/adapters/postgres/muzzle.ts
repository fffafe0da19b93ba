import { access } from "node:fs/promises";
import { join } from "node:path";
import type { Installation, MuzzleOptions, Settings } from "../../ports/postgres.ts";
import type { Shell } from "../../ports/shell.ts";

/** Libraries that act by themselves: they would run jobs, replicate or write to other servers from a copy. */
const actors = new Set([
  "pg_cron",
  "pg_partman_bgw",
  "pglogical",
  "pglogical_output",
  "spock",
  "bdr",
  "pg_squeeze",
  "pg_failover_slots",
  "pg_background",
  "pgaudit_analyze",
  "powa",
  "basic_archive",
  "pg_net",
  "repmgr",
]);

/** What a scratch server starts from; replay needs at least the primary's values, so floors raise them. */
const smallest: { readonly [name: string]: number } = {
  max_connections: 100,
  max_worker_processes: 8,
  max_wal_senders: 10,
  max_prepared_transactions: 0,
  max_locks_per_transaction: 64,
};

/** shared_preload_libraries as a list; quotes around names are taken off. */
export function preloadedLibraries(value: string): readonly string[] {
  return value
    .split(",")
    .map((name) => name.trim().replace(/^"(.*)"$/, "$1"))
    .filter((name) => name !== "");
}

/**
 * Settings that make a copy of a server harmless and small: it archives nothing, listens on a socket of its own, runs nobody's
 * jobs and subscriptions, logs in English to its stderr, and keeps every value that replay needs (PostgreSQL manual, 27.4.3).
 * Written over the old configuration's values, they also neutralise what that says of paths, TLS and replication.
 */
export function muzzleSettings(options: MuzzleOptions): Settings {
  const floors = { ...smallest };
  for (const [name, value] of Object.entries(options.floors ?? {})) floors[name] = Math.max(value, floors[name] ?? 0);
  const libraries = preloadedLibraries(options.sharedPreloadLibraries ?? "").filter(
    (name) => !actors.has(name.replace(/^\$libdir\//, "")),
  );
  return {
    port: String(options.port),
    listen_addresses: "",
    unix_socket_directories: options.socketDirectory,
    unix_socket_permissions: "0700",
    unix_socket_group: "",
    cluster_name: `pgrescue-${options.name}`.slice(0, 63),
    data_directory: options.dataDirectory,
    hba_file: options.hbaFile ?? join(options.dataDirectory, "pg_hba.conf"),
    ident_file: options.identFile ?? join(options.dataDirectory, "pg_ident.conf"),
    // An empty name is taken for a file; this one harms nobody.
    external_pid_file: join(options.socketDirectory, "external.pid"),
    ssl: "off",
    bonjour: "off",
    // Archiving and replication: nothing leaves, nothing comes in but by restore_command.
    archive_mode: "off",
    archive_command: "",
    ...(options.major >= 15 ? { archive_library: "" } : {}),
    archive_cleanup_command: "",
    recovery_end_command: "",
    primary_conninfo: "",
    primary_slot_name: "",
    ...(options.major >= 17 ? { sync_replication_slots: "off", synchronized_standby_slots: "" } : {}),
    // A promoted copy would wait for standbys that do not exist, at every commit.
    synchronous_standby_names: "",
    wal_level: "replica",
    hot_standby: "on",
    max_logical_replication_workers: "0",
    shared_preload_libraries: libraries.join(","),
    session_preload_libraries: "",
    local_preload_libraries: "",
    ...(libraries.includes("timescaledb") ? { "timescaledb.restoring": "on" } : {}),
    // Small beside production.
    shared_buffers: options.sharedBuffers ?? "128MB",
    huge_pages: "off",
    // Containers give /dev/shm little room or none; files in the copy's own directory always work.
    dynamic_shared_memory_type: "mmap",
    ...(options.major >= 14 ? { min_dynamic_shared_memory: "0" } : {}),
    // The log is read by us: English, on stderr, with the process number.
    logging_collector: "off",
    log_destination: "stderr",
    log_min_messages: "warning",
    log_line_prefix: "%m [%p] ",
    log_timezone: "UTC",
    lc_messages: "C",
    ...Object.fromEntries(Object.entries(floors).map(([name, value]) => [name, String(value)])),
  };
}

/** Which of these preload libraries an installation lacks: no file of that name in its library directory. */
export async function missingLibraries(
  shell: Shell,
  installation: Installation,
  names: readonly string[],
): Promise<readonly string[]> {
  const directory = await libraryDirectory(shell, installation);
  const missing: string[] = [];
  for (const name of names) {
    const bare = name.replace(/^\$libdir\//, "");
    const places = bare.startsWith("/") ? [bare] : [join(directory, bare), join(directory, "plugins", bare)];
    const found = await Promise.all(places.flatMap((place) => [place, `${place}.so`, `${place}.dylib`]).map(isThere));
    if (!found.includes(true)) missing.push(name);
  }
  return missing;
}

async function libraryDirectory(shell: Shell, installation: Installation): Promise<string> {
  const asked = await shell
    .run([join(installation.bin, "pg_config"), "--pkglibdir"], { timeout: 10_000 })
    .catch(() => null);
  // pg_config is in the development package on some systems; the layouts of Debian and of the RPMs are known.
  return asked !== null && asked.exit === 0 ? asked.stdout.trim() : join(installation.bin, "..", "lib");
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
