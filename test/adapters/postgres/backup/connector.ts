import { Client } from "pg";
import { PgrescueError } from "../../../../src/domain/errors.ts";
import type { ConnectionTarget, SqlConnector } from "../../../../src/ports/sql.ts";
import type { TestServer } from "../../../support/server.ts";

/** A plain connector for throwaway servers. */
export const connector: SqlConnector = {
  connect: async (target) => {
    const client = new Client({ host: target.host, port: target.port, user: target.user, database: target.database });
    client.on("error", () => undefined);
    await client.connect();
    return {
      query: async <Row>(text: string, values?: readonly unknown[]) => {
        try {
          return (await client.query(text, [...(values ?? [])])).rows as Row[];
        } catch (error) {
          throw new PgrescueError("external-failure", (error as Error).message, { cause: error });
        }
      },
      close: () => client.end(),
    };
  },
};

/** How a throwaway server is reached. */
export function targetOf(server: TestServer): ConnectionTarget {
  return {
    host: server.socketDirectory,
    port: server.port,
    user: "postgres",
    database: "postgres",
    tls: { mode: "disable" },
    applicationName: "pgrescue",
    connectTimeoutSeconds: 5,
  };
}
