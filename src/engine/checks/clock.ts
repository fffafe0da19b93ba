import { parseInstant } from "../../domain/instant.ts";
import type { Check, Answer } from "../check.ts";

/** Whether times mean the same here and there: targets and retention rest on it. */
export const check: Check = {
  id: "clock",
  title: "The clocks agree",
  ask: async ({ server, shell, now }) => {
    const synchronised = await isSynchronised();
    const own: Answer =
      synchronised === null
        ? {
            name: "here",
            result: "unknown",
            evidence: "this host does not say whether its clock is synchronised (no timedatectl, no chronyc)",
          }
        : synchronised
          ? { name: "here", result: "pass", evidence: "this host's clock is synchronised" }
          : {
              name: "here",
              result: "warn",
              evidence: "this host's clock is not synchronised",
              mend: "Turn time synchronisation on: `timedatectl set-ntp true`.",
            };
    if (server.state !== "up") return own;
    const [row] = await server.sql.query<{ at: string }>(
      `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at`,
    );
    const there = parseInstant(row?.at ?? "");
    if (there === null) return own;
    // `now` was taken when the checks began: only a large difference says something.
    const seconds = Math.abs(Number(there - now)) / 1e6;
    const evidence = `the server's clock and ours are ${seconds.toFixed(1)} s apart`;
    return [
      own,
      seconds < 60
        ? { name: "server", result: "pass", evidence }
        : {
            name: "server",
            result: "warn",
            evidence,
            mend: "Synchronise both hosts; until then give targets by transaction or LSN, not by time.",
          },
    ];

    async function isSynchronised(): Promise<boolean | null> {
      const systemd = await shell
        .run(["timedatectl", "show", "--property=NTPSynchronized", "--value"], { timeout: 5_000 })
        .catch(() => null);
      if (systemd !== null && systemd.exit === 0 && /^(yes|no)/.test(systemd.stdout))
        return systemd.stdout.startsWith("yes");
      const chrony = await shell.run(["chronyc", "-n", "tracking"], { timeout: 5_000 }).catch(() => null);
      if (chrony !== null && chrony.exit === 0) return /Leap status\s*:\s*Normal/.test(chrony.stdout);
      return null;
    }
  },
};
