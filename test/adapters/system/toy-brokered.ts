// Asks the broker for the commands in argv (JSON); prints who ran each.
import { brokeredShell } from "../../../src/adapters/system/broker.ts";
import { createShell } from "../../../src/adapters/system/exec.ts";

const allowed = [
  ["id", "-un"],
  ["sh", "-c", "exit 7"],
];
const shell = brokeredShell(createShell(), allowed);
for (const argv of [
  ["id", "-un"],
  ["id", "-u", "-n"],
  ["sh", "-c", "exit 7"],
]) {
  const { stdout, exit } = await shell.run(argv);
  process.stdout.write(`${argv.join(" ")}: ${stdout.trim()} ${exit}\n`);
}
