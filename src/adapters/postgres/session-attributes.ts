import type { Client } from "pg";
import type { ConnectionTarget } from "../../ports/sql.ts";

/** Whether a session is what target_session_attrs asks for: null when it is, otherwise what it is instead. */
export async function suitsSession(
  client: Client,
  wanted: NonNullable<ConnectionTarget["sessionAttributes"]>,
): Promise<string | null> {
  // prefer-standby without a standby takes any; we try hosts once and take the first.
  if (wanted === "any" || wanted === "prefer-standby") return null;
  const result = await client.query<{ standby: boolean; readonly: boolean }>(
    "select pg_is_in_recovery() as standby, pg_is_in_recovery() or current_setting('default_transaction_read_only') = 'on' as readonly",
  );
  const standby = result.rows[0]?.standby ?? false;
  const readonly = result.rows[0]?.readonly ?? false;
  if (wanted === "primary" && standby) return "a standby";
  if (wanted === "standby" && !standby) return "a primary";
  if (wanted === "read-write" && readonly) return "read-only";
  return wanted === "read-only" && !readonly ? "writable" : null;
}
