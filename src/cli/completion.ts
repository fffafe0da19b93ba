import { PgrescueError } from "../domain/errors.ts";
import type { Command } from "./command.ts";
import { optionsOf } from "./parse.ts";
import { commands, findCommand } from "./registry.ts";

export const command: Command = {
  summary: "completion for bash, zsh or fish",
  usage: "completion bash|zsh|fish",
  options: {},
  examples: [
    "pgrescue completion bash > /etc/bash_completion.d/pgrescue",
    'pgrescue completion zsh > "${fpath[1]}/_pgrescue"',
    "pgrescue completion fish > ~/.config/fish/completions/pgrescue.fish",
  ],
  positionals: { min: 1, max: 1 },
  run: async (args, terminal) => {
    const shell = args.positionals[0] ?? "";
    const verbs = await describedVerbs();
    const script = { bash, zsh, fish }[shell];
    if (script === undefined)
      throw new PgrescueError("usage", `no completion for ${shell}`, { next: "Say bash, zsh or fish." });
    terminal.print(script(verbs));
    return 0;
  },
};

interface DescribedVerb {
  readonly verb: string;
  readonly summary: string;
  readonly options: readonly {
    readonly name: string;
    readonly summary: string;
    readonly choices: readonly string[];
    readonly takesValue: boolean;
    readonly takesFile: boolean;
  }[];
}

async function describedVerbs(): Promise<readonly DescribedVerb[]> {
  const found = await Promise.all(
    Object.keys(commands).map(async (verb) => ({ verb, command: await findCommand(verb) })),
  );
  return found.flatMap(({ verb, command: known }) =>
    known === null || known.hidden === true
      ? []
      : [
          {
            verb,
            summary: known.summary,
            options: Object.entries(optionsOf(known))
              .filter(([, o]) => o.hidden !== true)
              .map(([name, o]) => ({
                name,
                summary: o.summary,
                choices: o.choices ?? [],
                takesValue: o.type === "string",
                takesFile: /FILE|DIR|URL/.test(o.value ?? ""),
              })),
          },
        ],
  );
}

function bash(verbs: readonly DescribedVerb[]): string {
  return [
    "# bash completion for pgrescue",
    "_pgrescue() {",
    '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" verb="" word',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do case "$word" in -*) ;; *) verb="$word"; break ;; esac; done',
    '  case "$verb $previous" in',
    ...verbs.flatMap(({ verb, options }) =>
      options
        .filter((o) => o.choices.length > 0)
        .map(
          (o) =>
            `    "${verb} --${o.name}") COMPREPLY=($(compgen -W "${o.choices.join(" ")}" -- "$current")); return ;;`,
        ),
    ),
    ...[...new Set(verbs.flatMap(({ options }) => options.filter((o) => o.takesFile).map((o) => o.name)))].map(
      (name) => `    *" --${name}") COMPREPLY=($(compgen -f -- "$current")); return ;;`,
    ),
    "  esac",
    '  case "$verb" in',
    `    "") COMPREPLY=($(compgen -W "${verbs.map((v) => v.verb).join(" ")} --help --version" -- "$current")) ;;`,
    ...verbs.map(
      ({ verb, options }) =>
        `    ${verb}) COMPREPLY=($(compgen -W "${options.map((o) => `--${o.name}`).join(" ")}" -- "$current")) ;;`,
    ),
    "  esac",
    "}",
    "complete -o default -F _pgrescue pgrescue",
  ].join("\n");
}

function zsh(verbs: readonly DescribedVerb[]): string {
  const quote = (text: string): string => text.replaceAll("'", "'\\''").replaceAll(/[[\]:]/g, "\\$&");
  return [
    "#compdef pgrescue",
    "_pgrescue() {",
    "  local -a verbs",
    `  verbs=(${verbs.map((v) => `'${v.verb}:${quote(v.summary)}'`).join(" ")})`,
    "  if (( CURRENT == 2 )); then _describe command verbs; return; fi",
    "  case $words[2] in",
    ...verbs.map(
      ({ verb, options }) =>
        `    ${verb}) _arguments '*::argument:_files' ${options.map((o) => `'--${o.name}[${quote(o.summary)}]${o.takesValue ? `:${o.name}:${o.choices.length > 0 ? `(${o.choices.join(" ")})` : o.takesFile ? "_files" : ""}` : ""}'`).join(" ")} ;;`,
    ),
    "  esac",
    "}",
    '_pgrescue "$@"',
  ].join("\n");
}

function fish(verbs: readonly DescribedVerb[]): string {
  const quote = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  return verbs
    .flatMap(({ verb, summary, options }) => [
      `complete -c pgrescue -n __fish_use_subcommand -f -a ${verb} -d ${quote(summary)}`,
      ...options.map(
        (o) =>
          `complete -c pgrescue -n '__fish_seen_subcommand_from ${verb}' -l ${o.name}${o.takesValue ? " -r" : ""}${o.choices.length > 0 ? ` -f -a ${quote(o.choices.join(" "))}` : ""} -d ${quote(o.summary)}`,
      ),
    ])
    .join("\n");
}
