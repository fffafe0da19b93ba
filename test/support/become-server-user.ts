import { createShell } from "../../src/adapters/system/exec.ts";
import { programFor, thisProgram, type Program } from "../../src/adapters/system/program.ts";
import { serverUser } from "../../src/adapters/postgres/throwaway-server.ts";

let program: Program | null = null;

/**
 * Makes this test process the server's user for good where it is root, as pgrescue itself does before it works on a data
 * directory. Gives the program as that user can run it. Call it before anything else in a test file.
 */
export async function becomeServerUser(): Promise<Program> {
  if (program !== null) return program;
  const user = await serverUser();
  program = user === undefined ? thisProgram() : await programFor(user, createShell());
  if (user !== undefined) {
    // Its types are missing in @types/node.
    (process as { initgroups?(user: string, group: number): void }).initgroups?.(user.name, user.gid);
    process.setgid?.(user.gid);
    process.setuid?.(user.uid);
    process.env["HOME"] = "/nonexistent";
    process.env["USER"] = user.name;
  }
  return program;
}
