import type { RecoveryInputs } from "../../domain/plan.ts";
import type { StepContext } from "../step.ts";
import { majorOf, siteOf } from "./recovery-inputs.ts";

/** Parameters of a recovery that bite later when they are left in a configuration. */
const leftover =
  /^(recovery_target\w*|restore_command|recovery_end_command|archive_cleanup_command|recovery_min_apply_delay|promote_trigger_file|primary_conninfo|primary_slot_name)$/;

/** Lines that bring back an older recovery, where the configuration has any. Only recovery targets are worth refusing for. */
export async function leftoverSettings(
  inputs: RecoveryInputs,
  ctx: StepContext,
): Promise<readonly { readonly name: string; readonly file: string; readonly line: number }[]> {
  const { postgres } = ctx.world;
  const files = await postgres.configurationFiles(inputs.dataDirectory, majorOf(inputs), siteOf(inputs).configFile);
  if (files === null) return [];
  const { settings } = await postgres.readConfiguration(files.configFile, inputs.dataDirectory);
  return Object.entries(settings)
    .filter(([name, { value }]) => /^recovery_target(_(time|xid|lsn|name))?$/.test(name) && value !== "")
    .map(([name, { file, line }]) => ({ name, file, line }));
}

/** A configuration file's text without active lines of an older recovery: they are kept as comments. */
export function withoutLeftovers(text: string): string {
  return text
    .split("\n")
    .map((line) => (leftover.test(nameOf(line)) ? `# ${line}  # taken out by pgrescue` : line))
    .join("\n");
}

/** A configuration file's text without active lines for these parameters or directives: they are kept as comments. */
export function withoutSettings(text: string, names: readonly string[]): string {
  return text
    .split("\n")
    .map((line) => (names.includes(nameOf(line)) ? `# ${line}  # taken out by pgrescue` : line))
    .join("\n");
}

function nameOf(line: string): string {
  return /^\s*([A-Za-z_][\w.]*)/.exec(line)?.[1]?.toLowerCase() ?? "";
}
