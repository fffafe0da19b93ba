import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { startBroker } from "../../../src/adapters/system/broker.ts";
import { findUser } from "../../../src/adapters/system/users.ts";

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

test.skipIf(process.getuid?.() !== 0)(
  "a run of another user has root run exactly what root allowed, and the broker ends with it",
  async () => {
    const postgres = await findUser("postgres");
    const broker = await startBroker(
      [process.execPath, script("toy-broker.ts")],
      [
        ["id", "-un"],
        ["sh", "-c", "exit 7"],
      ],
    );
    const child = spawn(process.execPath, [script("toy-brokered.ts")], {
      uid: postgres?.uid ?? 0,
      gid: postgres?.gid ?? 0,
      stdio: ["ignore", "pipe", "inherit", "ignore", broker.link],
      env: { ...process.env, ...broker.env },
    });
    broker.link.destroy();
    const [said] = await Promise.all([text(child.stdout!), once(child, "exit")]);
    expect(said.split("\n").slice(0, 3)).toEqual(["id -un: root 0", "id -u -n: postgres 0", "sh -c exit 7:  7"]);
    await delay(300);
    const left = spawn("pgrep", ["-f", "toy-broker.ts"], { stdio: ["ignore", "pipe", "ignore"] });
    expect((await text(left.stdout)).trim()).toBe("");
  },
);
