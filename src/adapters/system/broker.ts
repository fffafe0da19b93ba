import { spawn } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import type { CommandResult, Shell } from "../../ports/shell.ts";

/**
 * What root lets a run do that works as the owner of the data directory: exactly these commands (hooks, systemctl start
 * and stop of one unit), whole, with no word to choose. Steps name one by its argument array.
 */
export type BrokerCommands = readonly (readonly string[])[];

/** The descriptor on which a run's processes reach their broker, and the variable that says that there is one. */
const brokerDescriptor = 4;
const brokerVariable = "PGRESCUE_BROKER";
/** The list that root allowed, so that the owner's processes name a command by the same number. */
const commandsVariable = "PGRESCUE_BROKER_COMMANDS";

/** A broker that runs, and what the owner's process needs to be started with to reach it. */
export interface StartedBroker {
  /** Goes into `stdio` of the owner's process at index 4. */
  readonly link: Duplex;
  readonly env: { readonly [name: string]: string };
}

/** As root: starts `argv` (the hidden broker command) in a session of its own and tells it what it may run. */
export async function startBroker(argv: readonly string[], commands: BrokerCommands): Promise<StartedBroker> {
  const [file = "", ...rest] = argv;
  const child = spawn(file, rest, { detached: true, cwd: "/", stdio: ["ignore", "ignore", "ignore", "pipe"] });
  await once(child, "spawn");
  child.unref();
  const link = child.stdio[3] as Duplex;
  // Written before anybody else has the link, so it is the first line, and the only one that is taken for a list.
  await new Promise<void>((done) => void link.write(`${JSON.stringify(commands)}\n`, () => done()));
  return { link, env: { [brokerVariable]: String(brokerDescriptor), [commandsVariable]: JSON.stringify(commands) } };
}

/** What a process that starts another one of the run has to put into `stdio` at index 4; nothing without a broker. */
export function brokerStdio(): readonly ("ignore" | number)[] {
  return hasBroker() ? [brokerDescriptor] : [];
}

/** The broker's whole life: reads the list, runs what is asked by number, ends when nobody holds the other end. */
export async function serveBroker(shell: Shell): Promise<void> {
  const socket = new Socket({ fd: 3, readable: true, writable: true });
  socket.on("error", () => socket.destroy());
  let commands: BrokerCommands | null = null;
  for await (const line of linesOf(socket)) {
    if (commands === null) {
      commands = JSON.parse(line) as BrokerCommands;
      continue;
    }
    const argv = commands[Number(line)];
    const answer =
      argv === undefined
        ? { error: "no such command" }
        : await shell.run(argv).then(
            (result) => ({ result }),
            (error: unknown) => ({ error: messageOf(error) }),
          );
    socket.write(`${JSON.stringify(answer)}\n`);
  }
}

/**
 * A shell that has root run the commands which root allowed, and everything else itself. The plain shell where no root
 * started us.
 */
export function brokeredShell(shell: Shell, commands: BrokerCommands = allowedCommands()): Shell {
  if (!hasBroker() || commands.length === 0) return shell;
  const allowed = new Map(commands.map((argv, at) => [JSON.stringify(argv), at]));
  let link: { readonly socket: Socket; readonly answers: AsyncIterator<string> } | null = null;
  let last: Promise<unknown> = Promise.resolve();

  async function ask(at: number): Promise<CommandResult> {
    if (link === null) {
      const socket = new Socket({ fd: brokerDescriptor, readable: true, writable: true });
      socket.on("error", () => socket.destroy());
      socket.unref();
      link = { socket, answers: linesOf(socket) };
    }
    link.socket.ref();
    link.socket.write(`${at}\n`);
    const next = await link.answers.next();
    link.socket.unref();
    if (next.done === true)
      throw new PgrescueError("external-failure", "the part of pgrescue that runs as root is gone", {
        next: "Run `pgrescue continue` as root again.",
      });
    const answer = JSON.parse(next.value) as { readonly result?: CommandResult; readonly error?: string };
    if (answer.result === undefined)
      throw new PgrescueError("external-failure", answer.error ?? "root refused the command");
    return answer.result;
  }

  return {
    run: (argv, options) => {
      const at = options?.as === undefined ? allowed.get(JSON.stringify(argv)) : undefined;
      if (at === undefined) return shell.run(argv, options);
      const mine = last.then(() => ask(at));
      last = mine.catch(() => undefined);
      return mine;
    },
  };
}

function allowedCommands(): BrokerCommands {
  return hasBroker() ? (JSON.parse(process.env[commandsVariable] ?? "[]") as BrokerCommands) : [];
}

/** Whether root started us and runs what it allowed. */
export function hasBroker(): boolean {
  return process.env[brokerVariable] === String(brokerDescriptor);
}

async function* linesOf(socket: Socket): AsyncGenerator<string> {
  let pending = "";
  socket.setEncoding("utf8");
  for await (const chunk of socket) {
    const lines = `${pending}${String(chunk)}`.split("\n");
    pending = lines.pop() ?? "";
    yield* lines;
  }
}
