/** Something beside the database that travels with each backup: a file, or what a command prints. JSON all through. */
export type Include =
  | { readonly name: string; readonly secret: boolean; readonly file: string }
  | { readonly name: string; readonly secret: boolean; readonly command: readonly string[] };

/** What a backup's document says of one. */
export interface StoredInclude {
  readonly name: string;
  readonly secret: boolean;
}

/** Where it came from, for people. */
export function includeWords(include: Include): string {
  return "file" in include ? include.file : `what ${include.command[0] ?? "a command"} prints`;
}
