import { expect, test } from "vitest";
import { isProvidersRole, roleStatements, statementsFor } from "../../src/domain/globals-sql.ts";

const globals = `--
-- PostgreSQL database cluster dump
--
\\restrict abc
SET default_transaction_read_only = off;
CREATE ROLE clerk;
ALTER ROLE clerk WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS PASSWORD 'SCRAM-SHA-256$4096:NOSUPERUSER;x=';
CREATE ROLE "o'dd; role";
ALTER ROLE "o'dd; role" WITH SUPERUSER;
ALTER ROLE clerk SET search_path TO 'sales', 'public';
ALTER ROLE clerk IN DATABASE shop SET work_mem TO '1MB';
CREATE ROLE there;
ALTER ROLE there WITH PASSWORD 'other';
GRANT there TO clerk GRANTED BY postgres;
GRANT clerk TO there GRANTED BY postgres;
CREATE TABLESPACE fast OWNER postgres LOCATION '/fast';
DROP DATABASE shop;
\\! touch /tmp/owned
`;

const missing = new Set(["clerk", "o'dd; role"]);

test("only what makes missing roles is left, in order", () => {
  expect(statementsFor(roleStatements(globals), missing, { superuser: true })).toEqual([
    "CREATE ROLE clerk",
    "ALTER ROLE clerk WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS PASSWORD 'SCRAM-SHA-256$4096:NOSUPERUSER;x='",
    `CREATE ROLE "o'dd; role"`,
    `ALTER ROLE "o'dd; role" WITH SUPERUSER`,
    "ALTER ROLE clerk SET search_path TO 'sales', 'public'",
    "GRANT there TO clerk",
  ]);
});

test("without a superuser the attributes that only one can give are left out, but not from passwords", () => {
  const statements = statementsFor(roleStatements(globals), missing, { superuser: false });
  expect(statements).toContain(
    "ALTER ROLE clerk WITH INHERIT NOCREATEROLE NOCREATEDB LOGIN PASSWORD 'SCRAM-SHA-256$4096:NOSUPERUSER;x='",
  );
  expect(statements.join("\n")).not.toMatch(/WITH SUPERUSER/);
});

test.each([
  ["CREATE ROLE a PASSWORD E'\\'' ; DROP DATABASE shop; --'"],
  ["CREATE ROLE a; DROP DATABASE shop;"],
  ["ALTER ROLE a SET x TO 'y'; \\! rm -rf /\nDROP DATABASE shop;"],
  ["CREATE ROLE \"a\"; DO $$ begin execute 'drop database shop'; end $$;"],
])("nothing else of a file comes through: %s", (text) => {
  for (const sql of statementsFor(roleStatements(text), new Set(["a"]), { superuser: true }))
    expect(sql).toMatch(/^(?:CREATE ROLE "?a"?|ALTER ROLE a SET x TO 'y')$/);
});

test("roles of the clouds are not made elsewhere", () => {
  expect(
    ["azuresu", "azure_pg_admin", "rds_superuser", "pg_read_all_data", "azur", "clerk"].map(isProvidersRole),
  ).toEqual([true, true, true, true, false, false]);
});
