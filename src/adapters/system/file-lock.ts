import { spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import { PgrescueError } from "../../domain/errors.ts";

/** Seconds in which a lock must be had: it is only ever held for moments. */
const patience = 30;

/** What flock ends with when that time is over. */
const tooLate = 75;

/**
 * Works while holding the lock of a file (flock(2), by the program of that name: Node has no call for it), which is made
 * where it is missing. A holder that dies keeps nothing. Throws `precondition-refused` where the file system has no locks,
 * `store-failure` where somebody keeps it, and what `work` throws.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  await (await open(path, "a", 0o600)).close();
  const holder = spawn("flock", ["-x", "-w", String(patience), "-E", String(tooLate), path, "cat"], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  const said: string[] = [];
  holder.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  holder.stdin.on("error", () => undefined);
  const ended = new Promise<number | null>((done, fail) => {
    holder.once("error", fail);
    holder.once("close", done);
  });
  ended.catch(() => undefined);
  // What comes back was passed on by somebody who holds the lock, and holds it until there is nothing more to pass on.
  holder.stdin.write("\n");
  const isHeld = await Promise.race([once(holder.stdout, "data").then(() => true), ended.then(() => false)]).catch(
    (error: unknown) => {
      throw new PgrescueError("precondition-refused", "the program flock cannot be run", {
        cause: error,
        next: "Install util-linux, which has it.",
      });
    },
  );
  try {
    if (!isHeld) throw notHeld(path, await ended, said.join("").trim());
    return await work();
  } finally {
    holder.stdin.end();
    await ended.catch(() => undefined);
  }
}

function notHeld(path: string, code: number | null, said: string): PgrescueError {
  if (code === tooLate)
    return new PgrescueError("store-failure", `somebody has kept ${path} locked for ${patience} s`, {
      next: "Look for a process that hangs there with `fuser`, then run the command again.",
    });
  return new PgrescueError("precondition-refused", `${path} cannot be locked: ${said}`, {
    next: "Let the file system pass locks on (the mount options nolock, nobrl), or put the repository elsewhere.",
  });
}
