import { readdirSync } from "node:fs";
import {
  giveToServer,
  startThrowawayServer,
  type ThrowawayServer,
} from "../../src/adapters/postgres/throwaway-server.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export { giveToServer, temporaryDirectory };

export interface TestServerOptions {
  readonly checksums?: boolean;
  readonly settings?: { readonly [name: string]: string };
  readonly tablespaces?: readonly string[];
  /** archive_mode = on with this command. */
  readonly archiveCommand?: string;
  readonly segmentSizeMiB?: number;
  /** Directory with the programs of another PostgreSQL. */
  readonly bin?: string;
}

export type TestServer = ThrowawayServer & AsyncDisposable;

/** The directory with the oldest installed PostgreSQL's programs (Debian's layout), or what PGRESCUE_TEST_BIN says. */
export function postgresBin(): string {
  const told = process.env["PGRESCUE_TEST_BIN"];
  if (told !== undefined) return told;
  const [major] = readdirSync("/usr/lib/postgresql").sort((a, b) => Number(a) - Number(b));
  return `/usr/lib/postgresql/${major}/bin`;
}

/** A real PostgreSQL in a directory of its own; stopped and removed at the end of the scope. */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const directory = await temporaryDirectory();
  const { archiveCommand, settings, ...rest } = options;
  const server = await startThrowawayServer({
    directory: directory.path,
    bin: postgresBin(),
    ...rest,
    settings: {
      fsync: "off",
      ...(archiveCommand === undefined
        ? {}
        : { archive_mode: "on", archive_command: `'${archiveCommand.replaceAll("'", "''")}'` }),
      ...settings,
    },
  });
  return {
    ...server,
    [Symbol.asyncDispose]: async () => {
      await server.stop("immediate").catch(() => undefined);
      await directory[Symbol.asyncDispose]();
    },
  };
}
