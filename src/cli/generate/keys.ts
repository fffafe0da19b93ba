import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import type { Topic } from "./topic.ts";

/** A pair of age keys: the identity into a file, the recipient on stdout. */
export const keys: Topic = {
  summary: "a pair for an encrypted repository",
  examples: ["pgrescue generate keys --output /root/shop.key   # the recipient on stdout, the identity in the file"],
  run: async (args, terminal) => {
    const output = args.string("output");
    if (output === undefined)
      throw new PgrescueError("usage", "it is not said where the identity shall be written", {
        next: "Name a file with --output FILE; it is made with mode 0600.",
      });
    const { generateX25519Identity, identityToRecipient } = await import("age-encryption");
    const identity = await generateX25519Identity();
    const recipient = await identityToRecipient(identity);
    const file = resolve(terminal.cwd, output);
    await writeNew(file, `# made by pgrescue, public key: ${recipient}\n${identity}\n`);
    if (args.flag("json"))
      terminal.print(JSON.stringify({ schema: "pgrescue.keys/v1", recipient, identityFile: file }));
    else terminal.print(recipient);
    for (const line of advice(file, recipient)) terminal.log(line);
    return 0;
  },
};

async function writeNew(file: string, text: string): Promise<void> {
  try {
    await using handle = await open(file, "wx", 0o600);
    await handle.writeFile(text);
    await handle.sync();
  } catch (error) {
    throw new PgrescueError("precondition-refused", `the identity was not written: ${messageOf(error)}`, {
      next: "Name a file that does not exist in a directory that is yours; an identity is never replaced.",
    });
  }
}

function advice(file: string, recipient: string): readonly string[] {
  return [
    `The identity is in ${file}. Whoever has it can read every backup; without it nobody can.`,
    "Keep two copies away from the database's host and from the storage: one printed, in a safe.",
    `In pgrescue.yaml: repositories.<name>.encryption: {recipients: [${recipient}]}. Backups need no more than that.`,
    "Recoveries need the identity: --identity FILE, PGRESCUE_IDENTITY, or encryption.identityFile.",
    "After the first backup, and then every quarter: take a copy from its safe and run `pgrescue verify --restore --identity FILE`.",
  ];
}
