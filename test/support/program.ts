import { execa } from "execa";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..", "..");

export interface ProgramResult {
  readonly exit: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** The script that users start. */
export const programScript = join(root, "bin", "pgrescue.js");

/** Runs the real program without a terminal, in an environment without anybody's configuration. */
export async function pgrescue(
  words: readonly string[],
  options: { readonly env?: Record<string, string>; readonly cwd?: string; readonly timeout?: number } = {},
): Promise<ProgramResult> {
  const result = await execa(process.execPath, [programScript, ...words], {
    reject: false,
    stdin: "ignore",
    cwd: options.cwd ?? "/",
    extendEnv: false,
    env: { ...programEnvironment(), ...options.env },
    timeout: options.timeout ?? 110_000,
  });
  return { exit: result.exitCode, stdout: result.stdout, stderr: result.stderr };
}

/** An environment without anybody's configuration. */
export function programEnvironment(): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: "/nonexistent",
    LANG: "C.UTF-8",
    TMPDIR: process.env["TMPDIR"] ?? "/tmp",
  };
}
