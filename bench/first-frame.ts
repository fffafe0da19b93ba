import { spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { median, type Row } from "./compare.ts";
import { plainEnvironment } from "./measure.ts";
import type { BenchWorld } from "./world.ts";

/** The goal in seconds: below it a start feels immediate. */
const goal = 0.3;

/** From the start of the console on a terminal of its own to its first drawn frame. */
export async function firstFrame(world: BenchWorld, rounds: number): Promise<Row> {
  const times: number[] = [];
  // The first one fills the compile cache and does not count.
  for (let round = 0; round <= rounds; round++) {
    const seconds = await timeOne(world);
    if (round > 0) times.push(seconds);
  }
  const ours = median(times);
  const what = "console, start to first frame";
  return {
    id: "first-frame",
    what,
    unit: "seconds",
    ours,
    peer: null,
    peerName: "",
    goal,
    met: ours <= goal,
    note: "",
  };
}

async function timeOne({ program, config, user, home }: BenchWorld): Promise<number> {
  const command = [program.node, program.script, "--config", config].map((word) => `'${word}'`).join(" ");
  const started = performance.now();
  // util-linux's script gives a real terminal; stty makes it as large as the smallest that we promise to fit.
  const child = spawn("script", ["-qefc", `stty rows 24 cols 80; exec ${command}`, "/dev/null"], {
    stdio: ["pipe", "pipe", "ignore"],
    env: plainEnvironment(home),
    cwd: "/",
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  });
  try {
    let shown = "";
    return await new Promise<number>((done, fail) => {
      child.once("error", fail);
      child.once("close", () => fail(new Error(`the console ended before its first frame: ${shown}`)));
      child.stdout.on("data", (chunk: Buffer) => {
        shown += chunk.toString();
        if (/pgrescue[\s\S]*\n[\s\S]*\n/i.test(stripVTControlCharacters(shown)))
          done((performance.now() - started) / 1000);
      });
    });
  } finally {
    child.removeAllListeners("close");
    // Its terminal goes away with it, and so does the console.
    child.kill("SIGTERM");
    await new Promise((done) => setTimeout(done, 300));
  }
}
