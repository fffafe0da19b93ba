import type { Secret } from "../domain/secret.ts";

/** Where and as whom to connect, after libpq's rules (environment, service file, .pgpass) have been applied. */
export interface ConnectionTarget {
  /** A name, an address, or a socket directory (begins with "/"). */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password?: Secret;
  readonly tls: {
    readonly mode: "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full";
    readonly rootCertificate?: string;
    readonly certificate?: string;
    readonly key?: string;
  };
  readonly applicationName: string;
  /** 0 waits without end. */
  readonly connectTimeoutSeconds: number;
  /** libpq's hostaddr: where to connect when `host` is only the name to check and to look a password up for. */
  readonly address?: string;
  /** Further hosts of a multi-host list, tried in order. */
  readonly fallbacks?: readonly {
    readonly host: string;
    readonly port: number;
    readonly address?: string;
    readonly password?: Secret;
  }[];
  /** libpq's target_session_attrs; `any` where absent. */
  readonly sessionAttributes?: "any" | "read-write" | "read-only" | "primary" | "standby" | "prefer-standby";
}

export type SqlValue = string | number | boolean | null;

/** One session. Errors: `external-failure` with the server's own message and SQLSTATE; `credentials` for 28P01, 28000. */
export interface Sql {
  /** Rows as objects; numeric and 64-bit values arrive as strings, booleans as booleans, int4, oid and float as numbers,
   * everything else (timestamps, arrays, json) as PostgreSQL's text. */
  query<Row extends Record<string, unknown>>(text: string, values?: readonly SqlValue[]): Promise<Row[]>;
  close(): Promise<void>;
}

export interface SqlConnector {
  connect(target: ConnectionTarget): Promise<Sql>;
}
