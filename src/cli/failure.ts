import { messageOf, PgrescueError } from "../domain/errors.ts";

/** What a failed command shows, in four parts; a bug shows its stack. Control characters from outside are made visible. */
export function failureLines(error: unknown): readonly string[] {
  if (error instanceof PgrescueError) {
    return [
      `pgrescue: ${visible(error.message)}`,
      `What it means: ${error.means}`,
      `What to do:    ${error.next}`,
      `More:          pgrescue explain ${error.code}`,
    ];
  }
  const stack = error instanceof Error && error.stack !== undefined ? error.stack : messageOf(error);
  return [
    "pgrescue: a defect in pgrescue itself",
    ...stack.split("\n").map((line) => `  ${visible(line)}`),
    "What it means: the step it was in may or may not have taken effect; the journal is consistent.",
    "What to do:    run `pgrescue status`, then `pgrescue continue`, and report the lines above.",
    "More:          pgrescue explain bug",
  ];
}

/** The same as a JSON document, schema pgrescue.error/v1. */
export function failureDocument(error: unknown): object {
  if (error instanceof PgrescueError)
    return {
      schema: "pgrescue.error/v1",
      code: error.code,
      exitCode: error.exitCode,
      message: error.message,
      means: error.means,
      next: error.next,
    };
  return { schema: "pgrescue.error/v1", code: "bug", exitCode: 1, message: messageOf(error) };
}

function visible(text: string): string {
  return Array.from(text, (c) =>
    isControl(c.charCodeAt(0)) ? `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}` : c,
  ).join("");
}

function isControl(code: number): boolean {
  return (code < 0x20 && code !== 0x09 && code !== 0x0a) || (code >= 0x7f && code < 0xa0);
}
