import { createHmac } from "node:crypto";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { giveToServer } from "../support/server.ts";
import { openShop, type Shop } from "../support/shop.ts";

interface Request {
  readonly path: string;
  readonly body: string;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
}

let shop: Shop;
let server: Server;
let requests: Request[] = [];
/** Status codes of the next answers; 200 when there are no more. */
let answers: number[] = [];
let port: number;
const token = "hooks-are-secret-5f2a";

beforeAll(async () => {
  shop = await openShop();
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      requests.push({ path: request.url ?? "", body, headers: request.headers });
      response.writeHead(answers.shift() ?? 200).end();
    });
  });
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  ({ port } = server.address() as AddressInfo);
  await secret("hook", `http://127.0.0.1:${port}/hook/${token}`);
  await secret("ping", `http://127.0.0.1:${port}/ping/${token}`);
  await secret("key", "signing-key");
  const config = parse(await readFile(shop.configFile, "utf8")) as object;
  const program = join(shop.directory, "mail.sh");
  await writeFile(
    program,
    `#!/bin/sh\n{ echo "$PGRESCUE_EVENT $PGRESCUE_CLUSTER $1"; cat; echo --; } >> ${join(shop.directory, "mails")}\n`,
  );
  await chmod(program, 0o755);
  await writeFile(join(shop.directory, "mails"), "");
  await writeFile(
    shop.configFile,
    stringify({
      ...config,
      notify: [
        { kind: "webhook", urlFile: join(shop.directory, "hook"), secretFile: join(shop.directory, "key") },
        { kind: "ping", urlFile: join(shop.directory, "ping"), runs: ["backup"] },
        { kind: "command", command: [program, "{subject}"] },
      ],
    }),
  );
  await giveToServer(join(shop.directory, "mails"));
});

afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await shop[Symbol.asyncDispose]();
});

beforeEach(() => {
  requests = [];
  answers = [];
});

async function secret(name: string, text: string): Promise<void> {
  const file = join(shop.directory, name);
  await writeFile(file, `${text}\n`, { mode: 0o600 });
  await giveToServer(file);
}

const hooks = (): Request[] => requests.filter(({ path }) => path.startsWith("/hook/"));
const pings = (): string[] => requests.filter(({ path }) => path.startsWith("/ping/")).map(({ path }) => path);

/** The runner goes on for a moment after the end that faces see. */
async function arrived(count: number, of: () => readonly unknown[]): Promise<void> {
  await expect.poll(() => of().length, { timeout: 15_000, interval: 50 }).toBe(count);
}

test("a backup pings its beginning and its end; those who want failures hear nothing", async () => {
  await shop.must(0, "backup", "--kind", "dump", "--json");
  await arrived(2, pings);
  const [start = "", end = ""] = pings();
  expect(start).toMatch(new RegExp(`^/ping/${token}/start\\?rid=[0-9a-f-]{36}$`));
  expect(end).toBe(start.replace("/start", "/0"));
  expect(hooks()).toEqual([]);
  expect(await readFile(join(shop.directory, "mails"), "utf8")).toBe("");
});

test("a failure is told with what to do, signed; the next success is a recovery, and the one after nothing new", async () => {
  await shop.must(30, "backup", "--kind", "dump", "--database", "gone", "--json");
  await arrived(1, hooks);
  await arrived(2, pings);
  expect(pings().at(-1)).toContain("/30?");
  const [hook] = hooks();
  const event = JSON.parse(hook?.body ?? "") as {
    type: string;
    text: string;
    data: { event: string; exitCode: number };
  };
  expect(event).toMatchObject({
    specversion: "1.0",
    type: "pgrescue.run.failure",
    data: { cluster: "shop", exitCode: 30 },
  });
  expect(event.text).toContain("[pgrescue] shop: dump failed");
  expect(event.text).toContain('the server has no database "gone"');
  expect(event.text).toContain("What to do:");
  expect(hook?.headers["x-pgrescue-signature"]).toBe(
    `sha256=${createHmac("sha256", "signing-key")
      .update(hook?.body ?? "")
      .digest("hex")}`,
  );
  await expect
    .poll(() => readFile(join(shop.directory, "mails"), "utf8"), { timeout: 10_000 })
    .toMatch(/^failure shop \[pgrescue\] shop: dump failed\ndump of shop on .* failed\.\n[\s\S]*--\n$/);

  // A base backup that succeeds says nothing of the dump that failed.
  requests = [];
  await shop.must(0, "backup", "--json");
  await arrived(2, pings);
  expect(hooks()).toEqual([]);
  await shop.must(0, "backup", "--kind", "dump", "--json");
  await arrived(1, hooks);
  expect(JSON.parse(hooks()[0]?.body ?? "")).toMatchObject({ type: "pgrescue.run.recovered" });
  await shop.must(0, "backup", "--kind", "dump", "--json");
  await arrived(6, pings);
  expect(hooks()).toHaveLength(1);
});

test("who does not answer well is asked again; who never does fails nothing, and the log says so without the address", async () => {
  answers = [503, 200];
  await shop.must(0, "notify", "--json");
  expect(hooks()).toHaveLength(2);
  answers = [404];
  const { stdout } = await shop.must(40, "notify");
  expect(stdout).toContain(`[FAIL] webhook: 127.0.0.1:${port} did not take the message: it answered 404`);
  server.close();
  server.closeAllConnections();
  const run = JSON.parse((await shop.must(0, "backup", "--kind", "dump", "--json")).stdout) as { id: string };
  const log = join(shop.stateDirectory, "runs", run.id, "runner.log");
  await expect
    .poll(() => readFile(log, "utf8"), { timeout: 20_000 })
    .toMatch(/the ping was not told of R\S+ \(success\): 127\.0\.0\.1:\d+ did not take the message: ECONNREFUSED/);
  expect(await readFile(log, "utf8")).not.toContain(token);
});

test("no address is in anything that was printed", () => {
  for (const text of shop.printed) expect(text).not.toContain(token);
});
