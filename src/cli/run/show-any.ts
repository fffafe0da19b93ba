import type { Arguments, Terminal } from "../command.ts";
import type { AttachedRun } from "./attach-run.ts";
import { showAsking } from "./show-asking.ts";
import { showWithoutAsking, type FaceName } from "./show-run.ts";

/** Shows a run with the face that was chosen and gives the exit code. `leave`: this process is only a viewer. */
export async function showRun(
  face: FaceName,
  run: AttachedRun,
  args: Arguments,
  terminal: Terminal,
  onSignal: "stop" | "leave" = "stop",
): Promise<number> {
  if (face === "console" || face === "plain") return showAsking(run, args, terminal);
  return showWithoutAsking(face, run, args, terminal, onSignal);
}
