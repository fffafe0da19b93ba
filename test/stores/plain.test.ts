import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { openStore } from "../../src/adapters/storage/registry.ts";
import { pgrescue } from "../support/program.ts";
import { giveToServer, startServer, temporaryDirectory } from "../support/server.ts";
import { storePlaces } from "./places.ts";

describe.each(storePlaces)("what a cron line left in %s", (_name, open) => {
  test("is a repository to recover from", async () => {
    const { url, options, secret, secretOption } = await open();
    await using temporary = await temporaryDirectory();
    const directory = temporary.path;
    const backups = join(directory, "backups");
    const secretFile = join(directory, "secret");
    await mkdir(join(backups, "wal"), { recursive: true });
    await mkdir(join(directory, "state"));
    await writeFile(secretFile, secret, { mode: 0o600 });
    await giveToServer(directory);
    await using server = await startServer({
      archiveCommand: `gzip < %p > ${backups}/wal/%f.gz`,
      settings: { max_wal_senders: "4" },
    });
    const connect = ["-h", server.socketDirectory, "-p", String(server.port), "-U", "postgres"];
    await server.run(["pg_basebackup", ...connect, "-c", "fast", "-Ft", "-z", "-D", join(backups, "nightly")]);
    await server.sql("create table t as select n from generate_series(1, 100) n");
    const last = await server.sql("select pg_walfile_name(pg_switch_wal() - 1)");
    // The file is there before it is whole: the archiver says when.
    await expect
      .poll(() => server.sql("select last_archived_wal from pg_stat_archiver"), { timeout: 20_000 })
      .toBe(last);
    // As `aws s3 cp --recursive` and azcopy do it.
    const store = await openStore(url, { ...options, [secretOption]: secretFile });
    for (const name of await readdir(backups, { recursive: true })) {
      const bytes = await readFile(join(backups, name)).catch(() => null);
      if (bytes !== null) await store.put(name, bytes);
    }
    const config = join(directory, "pgrescue.yaml");
    await writeFile(config, stringify({ repositories: { old: { url, ...options, [secretOption]: secretFile } } }));
    const place = ["--config", config, "--state-dir", join(directory, "state"), "--repository", "old"];
    const points = await pgrescue(["points", "--json", ...place]);
    expect(JSON.parse(points.stdout)).toMatchObject({ points: [{ id: "nightly", format: "plain", status: "ok" }] });
    const to = join(directory, "copy");
    const recovered = await pgrescue([
      "recover",
      "--latest",
      "--to",
      to,
      "--yes",
      "--no-input",
      "--headless",
      ...place,
    ]);
    expect(recovered.exit, recovered.stderr).toBe(0);
    const answer = await server.run(["psql", "-XqAt", "-d", recovered.stdout.trim(), "-c", "select count(*) from t"]);
    await server.run(["pg_ctl", "-D", to, "-m", "immediate", "-w", "stop"]);
    expect(answer.stdout.trim()).toBe("100");
  });
});
