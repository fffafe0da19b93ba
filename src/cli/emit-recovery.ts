import { guardShell, judgeExit, quoteSetting, shellQuote } from "../adapters/wal/restore-command.ts";
import type { RecoveryInputs } from "../domain/plan.ts";
import { stopsOtherwise, stopText } from "./plan-lines.ts";

/** What a restore_command that is used by hand is made from. */
export interface HandParts {
  readonly node: string;
  readonly script: string;
  /** Words after `wal-fetch` that find the repository: --config FILE, --cluster NAME, --repository URL. */
  readonly words: readonly string[];
}

/**
 * The restore_command for use by hand: no spool, the configuration is read for each segment. Only a proof of absence
 * becomes exit 1, which PostgreSQL takes for the end of WAL. Not yet quoted for postgresql.conf.
 */
export function handRestoreCommand({ node, script, words }: HandParts): string {
  return [
    guardShell,
    `${[node, script, "wal-fetch", ...words].map(shellQuote).join(" ")} "%f" "%p"`,
    judgeExit,
    "exit",
  ].join("; ");
}

/**
 * Settings, signal file and restore_command as lines for postgresql.auto.conf, with what to do as comments. Nobody checks
 * in between when it is done by hand, so the action is what was asked for.
 */
export function recoveryLines(inputs: RecoveryInputs, command: string): readonly string[] {
  const floors = Object.entries(inputs.floors).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    `# Recovery of ${inputs.cluster} from ${inputs.point}, planned by pgrescue.`,
    "# 1. Restore that backup into an empty directory of mode 0700.",
    "# 2. Append these lines to its postgresql.auto.conf.",
    "# 3. Create the empty file recovery.signal in it; remove backup-time leftovers: postmaster.pid, standby.signal.",
    "# 4. Start the server, wait for the end of recovery in its log, look, then SELECT pg_promote().",
    "# 5. Afterwards remove these lines again.",
    ...inputs.warnings.map((warning) => `# Note: ${warning.replaceAll(/\p{Cc}/gu, " ")}`),
    ...(stopsOtherwise(inputs) ? [`# Stops ${stopText(inputs).replaceAll(/\p{Cc}/gu, "?")}.`] : []),
    `restore_command = ${quoteSetting(command)}`,
    ...Object.entries({ ...inputs.settings, recovery_target_action: inputs.targetAction }).map(
      ([name, value]) => `${name} = ${quoteSetting(value)}`,
    ),
    "archive_mode = 'off'",
    ...floors.map(([name, value]) => `${name} = ${quoteSetting(String(value))}`),
  ];
}
