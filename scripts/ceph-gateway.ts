// A real S3 server for tests and measurements: Ceph's Object Gateway from Debian over one monitor and one OSD in memory,
// on loopback, in a directory of its own. Nothing of a Ceph that may run on this machine is touched.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { programNeed, type Need } from "./ensure.ts";

/** What has to be installed. */
export const cephNeeds: readonly Need[] = [
  programNeed("radosgw"),
  programNeed("ceph-mon"),
  programNeed("ceph-osd"),
  programNeed("ceph", "ceph-common"),
];

export interface S3Server {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** A second user, who has no right to anything of the first one. */
  readonly stranger: { readonly accessKeyId: string; readonly secretAccessKey: string };
  stop(): Promise<void>;
}

/** Starts the gateway in `directory`, which must be empty; about 10 seconds. Throws with the log of what failed. */
export async function startCephGateway(directory: string): Promise<S3Server> {
  const [monitor, monitorOld, gateway] = await freePorts(3);
  const fsid = randomUUID();
  const config = join(directory, "ceph.conf");
  const keyring = join(directory, "keyring");
  for (const name of ["mon", "osd", "rgw", "run"]) mkdirSync(join(directory, name), { mode: 0o700 });
  writeFileSync(config, configOf(directory, fsid, { monitor, monitorOld, gateway }), { mode: 0o600 });
  const run = (file: string, ...args: readonly string[]): string => runOrThrow(file, [...args, "-c", config]);
  for (const [name, ...caps] of [
    ["mon.", "mon", "allow *"],
    ["client.admin", "mon", "allow *", "osd", "allow *", "mgr", "allow *"],
    ["osd.0", "mon", "allow profile osd", "osd", "allow *"],
    ["client.rgw.a", "mon", "allow rw", "osd", "allow rwx"],
  ] as const) {
    const pairs = caps.flatMap((word, at) => (at % 2 === 0 ? ["--cap", word, caps[at + 1] ?? ""] : []));
    const create = name === "mon." ? ["--create-keyring"] : [];
    runOrThrow("ceph-authtool", [keyring, ...create, "--gen-key", "-n", name, ...pairs]);
  }
  const map = join(directory, "monmap");
  const address = `[v2:127.0.0.1:${monitor},v1:127.0.0.1:${monitorOld}]`;
  run("monmaptool", "--create", "--addv", "a", address, "--fsid", fsid, map);
  run("ceph-mon", "--mkfs", "-i", "a", "--monmap", map, "--keyring", keyring);
  const daemons: ChildProcess[] = [];
  const daemon = (file: string, ...args: readonly string[]): void => {
    daemons.push(spawn(file, [...args, "-f", "-c", config], { stdio: "ignore" }));
  };
  const stop = async (): Promise<void> => {
    for (const child of daemons.toReversed()) await ended(child);
  };
  try {
    daemon("ceph-mon", "-i", "a");
    run("ceph", "--connect-timeout", "30", "auth", "import", "-i", keyring);
    const osd = randomUUID();
    run("ceph", "osd", "new", osd, "0");
    run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd);
    daemon("ceph-osd", "-i", "0");
    daemon("radosgw", "-n", "client.rgw.a");
    const endpoint = `http://127.0.0.1:${gateway}`;
    await answering(endpoint, daemons);
    const makeUser = (uid: string): { accessKeyId: string; secretAccessKey: string } => {
      const accessKeyId = randomBytes(10).toString("hex").toUpperCase();
      const secretAccessKey = randomBytes(20).toString("hex");
      run(
        "radosgw-admin",
        "-n",
        "client.rgw.a",
        "user",
        "create",
        `--uid=${uid}`,
        `--display-name=${uid}`,
        `--access-key=${accessKeyId}`,
        `--secret=${secretAccessKey}`,
      );
      return { accessKeyId, secretAccessKey };
    };
    return { endpoint, ...makeUser("owner"), stranger: makeUser("stranger"), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function configOf(
  directory: string,
  fsid: string,
  ports: { readonly monitor: number; readonly monitorOld: number; readonly gateway: number },
): string {
  return `[global]
fsid = ${fsid}
mon host = [v2:127.0.0.1:${ports.monitor},v1:127.0.0.1:${ports.monitorOld}]
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
keyring = ${directory}/keyring
run dir = ${directory}/run
admin socket = ${directory}/run/$name.asok
log file = ${directory}/$name.log
mon data = ${directory}/mon
osd data = ${directory}/osd
rgw data = ${directory}/rgw
osd objectstore = memstore
memstore device bytes = 8589934592
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon data avail crit = 1
mon osd full ratio = .99
mon max pg per osd = 1000
rgw frontends = beast endpoint=127.0.0.1:${ports.gateway}
rgw enable usage log = false
debug ms = 0
`;
}

async function answering(endpoint: string, daemons: readonly ChildProcess[]): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (daemons.some((d) => d.exitCode !== null)) throw new Error("a Ceph daemon ended at its start");
    const isThere = await fetch(endpoint, { signal: AbortSignal.timeout(2000) }).then(
      () => true,
      () => false,
    );
    if (isThere) return;
    await delay(100);
  }
  throw new Error(`the gateway at ${endpoint} does not answer`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once("exit", done));
  // There is nothing to keep: all of it is in memory or in a directory that goes away.
  child.kill("SIGKILL");
  await gone;
}

function runOrThrow(file: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: "utf8", timeout: 60_000 });
  if (status === 0) return stdout;
  throw new Error(`${file} ${args.slice(0, 3).join(" ")}: ${error?.message ?? stderr}`);
}

async function freePorts(count: number): Promise<[number, number, number]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((done) => {
          const server = createServer();
          server.listen(0, "127.0.0.1", () => done(server));
        }),
    ),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports as [number, number, number];
}
