/** An option of a command, as --help, completion and the parser know it. */
export interface OptionSpec {
  readonly type: "string" | "boolean";
  /** What stands for the value in help: `TIME`, `DIR`. */
  readonly value?: string;
  readonly summary: string;
  /** May be given several times. */
  readonly multiple?: boolean;
  readonly short?: string;
  /** Closed sets, for completion and checking. */
  readonly choices?: readonly string[];
  /** Other tools' spellings that are accepted too. */
  readonly aliases?: readonly string[];
  /** Not shown in help. */
  readonly hidden?: boolean;
}

export type OptionSpecs = { readonly [name: string]: OptionSpec };

/** What the command line said. Names without dashes; `multiple` ones as arrays. Values are strings, not yet checked. */
export interface Arguments {
  readonly positionals: readonly string[];
  string(name: string): string | undefined;
  strings(name: string): readonly string[];
  flag(name: string): boolean;
  /** The words as they were typed, for records. */
  readonly words: readonly string[];
}

/** Where a command reads and writes. stdout is the answer, stderr the human log. */
export interface Terminal {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: { readonly [name: string]: string | undefined };
  readonly cwd: string;
  /** Writes one line to stdout. */
  print(line: string): void;
  /** Writes one line to stderr. */
  log(line: string): void;
}

/**
 * One verb of the command line. `run` gives the exit code; errors are thrown as PgrescueError and shown by main in
 * four parts. Global options (--config, --cluster, --repository, --json ...) need not be repeated in `options`.
 */
export interface Command {
  readonly summary: string;
  /** `points [--json]` without the program's name. */
  readonly usage: string;
  readonly description?: string;
  readonly options: OptionSpecs;
  /** Whole lines, each a command line and what it does after ` # `. */
  readonly examples: readonly string[];
  readonly positionals?: { readonly min: number; readonly max: number };
  /** Not shown in help: for our own processes. */
  readonly hidden?: boolean;
  run(args: Arguments, terminal: Terminal): Promise<number>;
}
