import { PgrescueError } from "../../domain/errors.ts";
import type { Arguments, Terminal } from "../command.ts";
import type { Settings } from "../settings.ts";
import { openRunRecord } from "./find-run.ts";

/** A backup that is being asked for. */
interface Taking {
  readonly settings: Settings;
  readonly args: Arguments;
  readonly terminal: Terminal;
}

/**
 * Takes a backup, and with `--verify restore` restores what it took into scratch. Gives the backup's exit code, or else that
 * of the restore. With --json both are one document: the test is its `verification`.
 */
export async function proven(
  { settings, args, terminal }: Taking,
  take: (onOpened: (run: string) => void, terminal: Terminal) => Promise<number>,
): Promise<number> {
  if (args.string("verify") === undefined || args.flag("dry-run")) return take(() => undefined, terminal);
  const printed: string[] = [];
  const isJson = args.flag("json");
  const kept = isJson ? { ...terminal, print: (line: string) => void printed.push(line) } : terminal;
  let run: string | null = null;
  const exit = await take((name) => void (run = name), kept);
  const [document] = printed.splice(0);
  const taken = run === null || exit !== 0 ? null : await pointOf(settings.stateDirectory, run);
  const code = taken === null ? exit : await restored(taken, { settings, args, terminal: kept });
  if (isJson && document !== undefined) {
    const verification = printed[0] === undefined ? null : (JSON.parse(printed[0]) as object);
    terminal.print(JSON.stringify({ ...(JSON.parse(document) as object), verification }));
  }
  return code;
}

/** The point that a run took; null where it took none (its slot was taken already). */
async function pointOf(stateDirectory: string, run: string): Promise<string | null> {
  const { state } = await openRunRecord(stateDirectory, run);
  const taken = state.recorded["backup"];
  const id = typeof taken === "object" && taken !== null && "id" in taken ? taken["id"] : null;
  return typeof id === "string" ? id : null;
}

async function restored(point: string, { settings, args, terminal }: Taking): Promise<number> {
  const { testRestore } = await import("../verify.ts");
  try {
    return await testRestore(point, args, terminal, settings);
  } catch (error) {
    if (!(error instanceof PgrescueError)) throw error;
    throw new PgrescueError(error.code, `${point} was taken, and could not be tested: ${error.message}`, {
      means: "The backup is there and complete as far as its bytes tell; whether it can be restored is not known.",
      next: error.next,
      cause: error,
    });
  }
}
