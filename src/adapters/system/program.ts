import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { access, chmod, cp, mkdir, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PgrescueError } from "../../domain/errors.ts";
import type { OsUser, Shell } from "../../ports/shell.ts";
import { removeOwn } from "./remove.ts";

/** How to start pgrescue again: the node binary and the script. */
export interface Program {
  readonly node: string;
  readonly script: string;
}

/** The directory that holds bin, dist and runbooks, found upwards from this file (bundled or not). */
export function programRoot(): string {
  let at = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(at, "runbooks")) || !existsSync(join(at, "package.json"))) {
    if (dirname(at) === at) throw new PgrescueError("bug", "cannot find the program's own directory");
    at = dirname(at);
  }
  return at;
}

/** This program, as it runs now. */
export function thisProgram(): Program {
  return { node: process.execPath, script: join(programRoot(), "bin", "pgrescue.js") };
}

/** Where root keeps copies of the program for users who cannot read the original (a checkout below /root, say). */
const copies = "/var/lib/pgrescue/runtime";

/**
 * The program as `user` can run it: this one where the user can read it, else a copy (node, bin, dist, runbooks) that
 * root makes once per build. Restore and archive commands name it, so it must stay where it is.
 */
export async function programFor(user: OsUser, shell: Shell): Promise<Program> {
  const own = thisProgram();
  if (await runs(own, user, shell)) return own;
  const build = createHash("sha256")
    .update(await readFile(join(programRoot(), "dist", "main.js")))
    .update(process.version)
    .digest("hex")
    .slice(0, 12);
  const place = join(copies, build);
  const program = { node: join(place, "bin", "node"), script: join(place, "bin", "pgrescue.js") };
  if (
    !(await access(place).then(
      () => true,
      () => false,
    ))
  )
    await copyProgram(place);
  if (await runs(program, user, shell)) return program;
  throw new PgrescueError(
    "precondition-refused",
    `user ${user.name} can run neither ${own.script} nor its copy in ${place}`,
    { next: `Install pgrescue and Node where ${user.name} can read them, e.g. with npm install -g.` },
  );
}

async function copyProgram(place: string): Promise<void> {
  const root = programRoot();
  const staging = `${place}.${process.pid}`;
  await mkdir(join(staging, "bin"), { recursive: true });
  for (const part of ["dist", "runbooks", "package.json", join("bin", "pgrescue.js")])
    await cp(join(root, part), join(staging, part), { recursive: true });
  await cp(process.execPath, join(staging, "bin", "node"));
  await chmod(join(staging, "bin", "node"), 0o755);
  try {
    await rename(staging, place);
  } catch (error) {
    // Another process made the same copy first: its content is the same.
    await removeOwn(staging, { within: copies });
    if (!["EEXIST", "ENOTEMPTY"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

async function runs(program: Program, user: OsUser, shell: Shell): Promise<boolean> {
  const result = await shell.run([program.node, program.script, "--version"], { as: user, timeout: 20_000 });
  return result.exit === 0;
}
