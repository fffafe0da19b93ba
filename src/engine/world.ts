import type { BackupTaker } from "../ports/backup-source.ts";
import type { Clock } from "../ports/clock.ts";
import type { DumpTaker } from "../ports/dump.ts";
import type { DumpRestorer } from "../ports/dump-restore.ts";
import type { Files } from "../ports/files.ts";
import type { PostgresPort } from "../ports/postgres.ts";
import type { RecoveryWal } from "../ports/recovery-wal.ts";
import type { Repository } from "../ports/repository.ts";
import type { ScratchServers } from "../ports/scratch-server.ts";
import type { Shell } from "../ports/shell.ts";
import type { SqlConnector } from "../ports/sql.ts";

/** Everything outside that steps may touch, as ports. compose.ts makes it; tests make it of small real things. */
export interface World {
  readonly clock: Clock;
  readonly shell: Shell;
  readonly sql: SqlConnector;
  readonly postgres: PostgresPort;
  /** Takes base backups of configured clusters. */
  readonly backups: BackupTaker;
  /** Dumps databases of configured clusters. */
  readonly dumps: DumpTaker;
  /** Restores dumps into any server. */
  readonly dumpRestores: DumpRestorer;
  /** Makes empty servers for restores that are tests. */
  readonly scratchServers: ScratchServers;
  readonly files: Files;
  /** What a restore_command needs. */
  readonly recoveryWal: RecoveryWal;
  /** Opens a configured repository by name or URL, once. */
  repository(name: string): Promise<Repository>;
}
