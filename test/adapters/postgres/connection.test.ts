import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { environmentFor } from "../../../src/adapters/postgres/child-environment.ts";
import { resolveConnection, type ConnectionSettings } from "../../../src/adapters/postgres/connection.ts";
import { createSqlConnector } from "../../../src/adapters/postgres/sql.ts";
import { createShell } from "../../../src/adapters/system/exec.ts";
import { currentUser } from "../../../src/adapters/system/users.ts";
import { messageOf, PgrescueError } from "../../../src/domain/errors.ts";
import { sqlStateOf } from "../../../src/domain/sql-state.ts";
import { giveToServer, startServer, temporaryDirectory, type TestServer } from "../../support/server.ts";

const shell = createShell();
const question =
  "select current_user::text as u, current_database()::text as d, coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as tls, inet_server_addr() is null as socket";

let server: TestServer;
let home: string;
let other: TestServer;
let dispose: () => Promise<void>;

/** A server with TLS, scram and the usual refusals; a home directory with .pgpass, a service file and a root certificate. */
beforeAll(async () => {
  const directory = await temporaryDirectory();
  home = directory.path;
  server = await startServer();
  other = await startServer();
  const key = join(server.dataDirectory, "server.key");
  const crt = join(server.dataDirectory, "server.crt");
  const made = await shell.run([
    "openssl",
    "req",
    "-new",
    "-x509",
    "-days",
    "2",
    "-nodes",
    "-subj",
    "/CN=localhost",
    "-addext",
    "subjectAltName=DNS:localhost",
    "-keyout",
    key,
    "-out",
    crt,
  ]);
  expect(made.exit).toBe(0);
  await chmod(key, 0o600);
  await giveToServer(server.dataDirectory);
  const { name } = await currentUser();
  await server.sql("alter system set ssl = on");
  await server.sql(
    `set password_encryption = 'scram-sha-256'; create role alice login password 'a secret'; create role bob login password 'p:w\\x'; create role tls_only login password 'a secret'; create role plain_only login password 'a secret'; create role nobody_in login; create database shop owner alice; create database alice; create role "${name}" login`,
  );
  await writeFile(
    join(server.dataDirectory, "pg_hba.conf"),
    [
      "local all postgres trust",
      "local all all scram-sha-256",
      "host all nobody_in 127.0.0.1/32 reject",
      "hostssl all tls_only 127.0.0.1/32 scram-sha-256",
      "hostnossl all plain_only 127.0.0.1/32 scram-sha-256",
      "host all alice,bob 127.0.0.1/32 scram-sha-256",
      `host all "${name}" 127.0.0.1/32 trust`,
      "",
    ].join("\n"),
  );
  await server.sql("select pg_reload_conf()");
  await mkdir(join(home, ".postgresql"));
  await writeFile(join(home, "root.crt"), await readFile(crt));
  await writeFile(
    join(home, ".pgpass"),
    [
      `# comment`,
      `localhost:${server.port}:shop:alice:wrong for this one`,
      `127.0.0.1:${server.port}:*:alice:a secret`,
      `*:*:*:bob:p\\:w\\\\x`,
      `localhost:*:alice:alice:a secret`,
    ].join("\n"),
  );
  await chmod(join(home, ".pgpass"), 0o600);
  await writeFile(join(home, "open.pgpass"), `*:*:*:*:a secret\n`);
  await chmod(join(home, "open.pgpass"), 0o644);
  await writeFile(
    join(home, "services"),
    `[other]\nhost=nowhere\n\n[shop]\n# the shop\nhost=127.0.0.1\nport=${server.port}\ndbname=shop\nuser=alice\npassword=a secret\nsslmode=disable\n`,
  );
  dispose = async () => {
    await server[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  };
}, 60_000);
afterAll(async () => await dispose());

interface Case {
  readonly name: string;
  /** As libpq takes it, and as the configuration says it; `{port}` and `{home}` are filled in. */
  readonly conninfo: string;
  readonly settings?: ConnectionSettings;
  readonly env?: { readonly [name: string]: string };
}

const tcp = "host=127.0.0.1 port={port}";
const cases: readonly Case[] = [
  {
    name: "environment alone",
    conninfo: "",
    env: { PGHOST: "127.0.0.1", PGPORT: "{port}", PGUSER: "alice", PGDATABASE: "shop", PGPASSWORD: "a secret" },
  },
  { name: "the operating system's user and a database of its name", conninfo: tcp },
  { name: "a password from .pgpass", conninfo: `${tcp} user=alice dbname=shop` },
  { name: "escapes in .pgpass", conninfo: `${tcp} user=bob dbname=shop` },
  {
    name: "the first line of .pgpass that fits wins, even when it is wrong",
    conninfo: "host=localhost port={port} user=alice dbname=shop",
  },
  { name: ".pgpass by database", conninfo: "host=localhost port={port} user=alice" },
  {
    name: "a .pgpass that others may read is ignored",
    conninfo: `${tcp} user=tls_only dbname=shop`,
    env: { PGPASSFILE: "{home}/open.pgpass" },
  },
  { name: "PGPASSWORD before .pgpass", conninfo: `${tcp} user=alice dbname=shop`, env: { PGPASSWORD: "wrong" } },
  { name: "a service", conninfo: "service=shop", env: { PGSERVICEFILE: "{home}/services" } },
  {
    name: "PGSERVICE before the other variables",
    conninfo: "",
    env: { PGSERVICE: "shop", PGSERVICEFILE: "{home}/services", PGUSER: "bob", PGDATABASE: "postgres" },
  },
  {
    name: "a value beside the service wins over it",
    conninfo: "service=shop user=bob password='p:w\\\\\\\\x'",
    env: { PGSERVICEFILE: "{home}/services" },
  },
  { name: "a service that does not exist", conninfo: "service=none", env: { PGSERVICEFILE: "{home}/services" } },
  { name: "a URL", conninfo: "postgresql://alice:a%20secret@127.0.0.1:{port}/shop?sslmode=disable" },
  {
    name: "a URL with parameters for everything",
    conninfo: "postgres:///shop?host=127.0.0.1&port={port}&user=alice&password=a%20secret",
  },
  { name: "a URL with JDBC's ssl=true", conninfo: "postgresql://alice:a%20secret@127.0.0.1:{port}/shop?ssl=true" },
  { name: "a URL with an unknown parameter", conninfo: "postgresql://alice@127.0.0.1:{port}/shop?sslmod=disable" },
  {
    name: "a socket with a password",
    conninfo: "host={socket} port={port} user=alice dbname=shop password='a secret'",
  },
  { name: "a socket in a URL", conninfo: "postgresql://alice:a%20secret@{socket%}:{port}/shop" },
  {
    name: "TLS is never used on a socket, even when it is required",
    conninfo: "host={socket} port={port} user=alice dbname=shop password='a secret' sslmode=require",
  },
  { name: "prefer takes TLS", conninfo: `${tcp} user=tls_only dbname=shop password='a secret'` },
  {
    name: "prefer falls back where pg_hba wants no TLS",
    conninfo: `${tcp} user=plain_only dbname=shop password='a secret'`,
  },
  { name: "allow begins without TLS", conninfo: `${tcp} user=alice dbname=shop password='a secret' sslmode=allow` },
  {
    name: "allow takes TLS where pg_hba wants it",
    conninfo: `${tcp} user=tls_only dbname=shop password='a secret' sslmode=allow`,
  },
  {
    name: "disable cannot where pg_hba wants TLS",
    conninfo: `${tcp} user=tls_only dbname=shop password='a secret' sslmode=disable`,
  },
  {
    name: "require cannot where pg_hba wants none",
    conninfo: `${tcp} user=plain_only dbname=shop password='a secret' sslmode=require`,
  },
  { name: "PGSSLMODE", conninfo: `${tcp} user=alice dbname=shop`, env: { PGSSLMODE: "disable" } },
  {
    name: "verify-ca with the authority",
    conninfo: `${tcp} user=alice dbname=shop sslmode=verify-ca sslrootcert={home}/root.crt`,
  },
  {
    name: "verify-full with the right name",
    conninfo: "host=localhost port={port} user=bob dbname=shop sslmode=verify-full sslrootcert={home}/root.crt",
  },
  {
    name: "verify-full with the wrong name",
    conninfo: `${tcp} user=bob dbname=shop sslmode=verify-full sslrootcert={home}/root.crt`,
  },
  {
    name: "verify-full with hostaddr checks the name",
    conninfo:
      "host=localhost hostaddr=127.0.0.1 port={port} user=bob dbname=shop sslmode=verify-full sslrootcert={home}/root.crt",
  },
  { name: "verify-ca without an authority", conninfo: `${tcp} user=alice dbname=shop sslmode=verify-ca` },
  {
    name: "require with a root certificate that is missing",
    conninfo: `${tcp} user=alice dbname=shop sslmode=require sslrootcert={home}/none.crt`,
  },
  {
    name: "a server without TLS that must have it",
    conninfo: "host=127.0.0.1 port={other} user=postgres dbname=postgres sslmode=require",
  },
  { name: "prefer on a server without TLS", conninfo: "host=127.0.0.1 port={other} user=postgres dbname=postgres" },
  { name: "several hosts, the first one down", conninfo: "host={home},127.0.0.1 port=1,{port} user=alice dbname=shop" },
  { name: "several hosts, one port", conninfo: "host=127.0.0.1,127.0.0.1 port={port} user=bob dbname=shop" },
  { name: "hosts and ports that do not pair", conninfo: "host=127.0.0.1,127.0.0.1,127.0.0.1 port={port},1" },
  {
    name: "a standby is wanted and none is there",
    conninfo: `${tcp} user=bob dbname=shop target_session_attrs=standby`,
  },
  { name: "a primary is wanted", conninfo: `${tcp} user=bob dbname=shop target_session_attrs=read-write` },
  { name: "a user that pg_hba rejects", conninfo: `${tcp} user=nobody_in dbname=shop` },
  { name: "a database that does not exist", conninfo: `${tcp} user=bob dbname=none` },
  { name: "a role that does not exist", conninfo: "host=127.0.0.1 port={other} user=none dbname=postgres" },
  { name: "a port where nothing listens", conninfo: "host=127.0.0.1 port=1" },
  { name: "a socket that is not there", conninfo: "host={home} port={port}" },
  { name: "a name that does not resolve", conninfo: "host=none.invalid port={port}" },
  { name: "an sslmode that there is not", conninfo: `${tcp} sslmode=sometimes` },
];

function fill(text: string): string {
  return text
    .replaceAll("{port}", String(server.port))
    .replaceAll("{other}", String(other.port))
    .replaceAll("{home}", home)
    .replaceAll("{socket}", server.socketDirectory)
    .replaceAll("{socket%}", encodeURIComponent(server.socketDirectory));
}

async function byPsql(conninfo: string, env: { readonly [name: string]: string }): Promise<string> {
  const result = await shell.run(["psql", "-XAtw", "-F", " ", "-d", conninfo, "-c", question], { env });
  return result.exit === 0 ? result.stdout.trim() : "refused";
}

async function byUs(
  settings: ConnectionSettings,
  environment: { readonly [name: string]: string },
  warn?: (text: string) => void,
): Promise<string> {
  const { name } = await currentUser();
  try {
    const target = await resolveConnection(settings, {
      environment,
      home,
      user: name,
      shell,
      ...(warn === undefined ? {} : { warn }),
    });
    const sql = await createSqlConnector().connect(target);
    try {
      const [row] = await sql.query<{ u: string; d: string; tls: boolean; socket: boolean }>(question);
      return row === undefined ? "nothing" : `${row.u} ${row.d} ${row.tls ? "t" : "f"} ${row.socket ? "t" : "f"}`;
    } finally {
      await sql.close();
    }
  } catch (error) {
    if (!(error instanceof PgrescueError) || error.code === "bug") throw error;
    expect(error.next).toMatch(/^[A-Z].*[.]$/s);
    return "refused";
  }
}

describe("connecting as libpq does", () => {
  test.each(cases)("$name", async ({ conninfo, settings, env = {} }) => {
    const text = fill(conninfo);
    const environment = {
      HOME: home,
      ...Object.fromEntries(Object.entries(env).map(([key, value]) => [key, fill(value)])),
    };
    // Some cases rest on the whole tree of variables being ours.
    const inherited = Object.fromEntries(
      Object.keys(process.env)
        .filter((key) => key.startsWith("PG"))
        .map((key) => [key, ""]),
    );
    const expected = await byPsql(text, { ...inherited, ...environment });
    expect(await byUs(settings ?? (text === "" ? {} : { url: text }), environment)).toBe(expected);
  });

  test("an ignored .pgpass is said", async () => {
    const warnings: string[] = [];
    await byUs({ url: fill(`${tcp} user=tls_only dbname=shop`) }, { PGPASSFILE: join(home, "open.pgpass") }, (text) =>
      warnings.push(text),
    );
    expect(warnings.join()).toContain("0600");
  });

  test("fields of the configuration, a password file and a password command", async () => {
    const file = join(home, "secret");
    await writeFile(file, "a secret\nsecond line\n");
    const base = { host: "127.0.0.1", port: server.port, user: "alice", database: "shop" };
    expect(await byUs({ ...base, passwordFile: file }, {})).toBe("alice shop t f");
    expect(await byUs({ ...base, passwordCommand: ["head", "-n1", file] }, { PGPASSWORD: "wrong" })).toBe(
      "alice shop t f",
    );
    await expect(
      resolveConnection({ ...base, passwordCommand: ["false"] }, { environment: {}, home, user: "x", shell }),
    ).rejects.toMatchObject({ code: "credentials" });
  });

  test("children get the same place through their environment, and no secret is printed", async () => {
    const target = await resolveConnection(
      { url: fill("postgresql://alice:a%20secret@127.0.0.1:{port}/shop?sslmode=disable") },
      { environment: {}, home, user: "x", shell },
    );
    const env = environmentFor(target);
    const result = await shell.run(["psql", "-XAtw", "-c", "select current_user, current_database()"], { env });
    expect(result.stdout.trim()).toBe("alice|shop");
    expect(JSON.stringify({ target, env, argv: result.argv })).not.toContain("a secret");
  });
});

describe("what a failed connection says", () => {
  const failing = async (conninfo: string): Promise<PgrescueError> => {
    const target = await resolveConnection({ url: fill(conninfo) }, { environment: {}, home, user: "nobody", shell });
    const error: unknown = await createSqlConnector()
      .connect(target)
      .then(
        () => null,
        (e: unknown) => e,
      );
    if (!(error instanceof PgrescueError)) throw new Error(`expected a failure, got ${messageOf(error)}`);
    expect(`${error.message} ${error.next}`).not.toContain("a secret");
    return error;
  };

  test.each([
    ["host=none.invalid port={port}", "external-failure", /cannot be resolved/, /DNS/],
    ["host=127.0.0.1 port=1", "external-failure", /nothing listens on 127\.0\.0\.1:1/, /listen_addresses/],
    ["host={home} port={port}", "external-failure", /there is no socket/, /unix_socket_directories/],
    [`${tcp} user=alice dbname=shop password=wrong`, "credentials", /refused the password/, /passwordFile/],
    [`${tcp} user=tls_only dbname=shop`, "credentials", /asks for a password/, /\.pgpass/],
    [`${tcp} user=nobody_in dbname=shop sslmode=disable`, "credentials", /pg_hba/, /pg_hba\.conf/],
    [`${tcp} user=bob dbname=none`, "external-failure", /no database none/, /existing database/],
    [
      "host=127.0.0.1 port={other} user=postgres dbname=postgres sslmode=require",
      "credentials",
      /offers no TLS/,
      /Turn ssl on/,
    ],
    [
      `${tcp} user=bob dbname=shop sslmode=verify-full sslrootcert={home}/root.crt`,
      "credentials",
      /another name/,
      /verify-ca/,
    ],
    [
      `${tcp} user=bob dbname=shop sslmode=verify-full sslrootcert=system`,
      "credentials",
      /no trusted TLS/,
      /sslrootcert/,
    ],
  ])("%s", async (conninfo, code, message, next) => {
    const error = await failing(conninfo);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.next).toMatch(next);
  });

  test("a packet that nobody answers ends with the time limit", async () => {
    const { createServer } = await import("node:net");
    const silent = createServer(() => undefined);
    await new Promise<void>((done) => silent.listen(0, "127.0.0.1", done));
    const address = silent.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const error = await failing(`host=127.0.0.1 port=${port} connect_timeout=2 sslmode=disable`);
    expect(error.message).toContain("did not answer within 2 s");
    silent.close();
  });

  test("the server's code can be read from an error of a query, and values keep their width", async () => {
    const sql = await createSqlConnector().connect(
      await resolveConnection(
        { url: fill(`${tcp} user=bob dbname=shop`) },
        { environment: {}, home, user: "x", shell },
      ),
    );
    const [row] = await sql.query(
      "select 9007199254740993::bigint as big, 1.10::numeric as n, 7 as i, true as b, null as nothing, 1.5::float8 as f, '2026-11-20 02:51:07.482913+00'::timestamptz at time zone 'UTC' as at, $1::text as p",
      ["x"],
    );
    expect(row).toEqual({
      big: "9007199254740993",
      n: "1.10",
      i: 7,
      b: true,
      nothing: null,
      f: 1.5,
      at: "2026-11-20 02:51:07.482913",
      p: "x",
    });
    const error: unknown = await sql.query("select * from none").catch((e: unknown) => e);
    expect(sqlStateOf(error)).toBe("42P01");
    await expect(sql.query("select pg_read_file('/etc/passwd')")).rejects.toMatchObject({ code: "credentials" });
    await sql.close();
  });
});
