import { PgrescueError } from "../../domain/errors.ts";

/** Connection parameters by libpq's names (PostgreSQL manual, 34.1.2), not yet completed by environment and defaults. */
export type ConnectionParameters = { readonly [keyword: string]: string };

const keywords = new Set(
  `host hostaddr port dbname user password passfile require_auth channel_binding connect_timeout client_encoding options application_name
   fallback_application_name keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout replication gssencmode sslmode
   requiressl sslnegotiation sslcompression sslcert sslkey sslkeylogfile sslpassword sslcertmode sslrootcert sslcrl sslcrldir sslsni requirepeer
   ssl_min_protocol_version ssl_max_protocol_version min_protocol_version max_protocol_version krbsrvname gsslib gssdelegation service
   servicefile target_session_attrs load_balance_hosts scram_client_key scram_server_key`.split(/\s+/),
);

/** Throws `config` for a keyword that libpq does not know either. */
export function checkKeyword(keyword: string, where: string): void {
  if (!keywords.has(keyword))
    throw new PgrescueError("config", `${where}: libpq knows no connection option ${JSON.stringify(keyword)}`);
}

/** Reads a connection string: `postgresql://...`, or `key = value` pairs. Throws `config` as libpq would; never shows a password. */
export function parseConnectionString(text: string): ConnectionParameters {
  return /^postgres(?:ql)?:\/\//.test(text) ? parseUrl(text) : parsePairs(text);
}

function parsePairs(text: string): ConnectionParameters {
  const found: Record<string, string> = {};
  let rest = text.trimStart();
  while (rest !== "") {
    const m =
      /^([^\s=]+)\s*=\s*(?:'((?:[^'\\]|\\[\s\S])*)'|((?:[^\s'\\]|\\[\s\S])(?:[^\s\\]|\\[\s\S])*|))(?=\s|$)\s*/.exec(
        rest,
      );
    if (m === null)
      throw new PgrescueError("config", "the connection string is not made of key=value pairs", {
        next: "Quote values with spaces in single quotes; escape quotes and backslashes with a backslash.",
      });
    const keyword = m[1] ?? "";
    checkKeyword(keyword, "connection string");
    found[keyword] = (m[2] ?? m[3] ?? "").replace(/\\([\s\S])/g, "$1");
    rest = rest.slice(m[0].length);
  }
  return found;
}

/**
 * libpq's URLs, which WHATWG's parser cannot read: several hosts, hosts that are percent-encoded paths, empty parts.
 * Grammar: manual 34.1.1.2, conninfo_uri_parse_options.
 */
function parseUrl(text: string): ConnectionParameters {
  const rest = text.slice(text.indexOf("://") + 3);
  const [beforeQuery, query] = splitOnce(rest, "?");
  const slash = beforeQuery.indexOf("/");
  const authority = slash === -1 ? beforeQuery : beforeQuery.slice(0, slash);
  const path = slash === -1 ? "" : beforeQuery.slice(slash + 1);
  const at = authority.lastIndexOf("@");
  const [user, password] = at === -1 ? ["", undefined] : splitOnce(authority.slice(0, at), ":");
  const hosts = authority
    .slice(at + 1)
    .split(",")
    .map(hostAndPort);
  const found: Record<string, string> = {};
  if (user !== "") found["user"] = decode(user);
  if (password !== undefined && password !== "") found["password"] = decode(password);
  if (hosts.some(({ host }) => host !== "")) found["host"] = hosts.map(({ host }) => host).join(",");
  if (hosts.some(({ port }) => port !== "")) found["port"] = hosts.map(({ port }) => port).join(",");
  if (path !== "") found["dbname"] = decode(path);
  for (const pair of query === undefined || query === "" ? [] : query.split("&")) {
    const [keyword, value] = splitOnce(pair, "=");
    if (value === undefined)
      throw new PgrescueError("config", `connection URL: parameter ${JSON.stringify(keyword)} has no value`);
    const name = decode(keyword);
    // JDBC's spelling, which libpq takes too.
    if (name === "ssl" && value === "true") found["sslmode"] = "require";
    else {
      checkKeyword(name, "connection URL");
      found[name] = decode(value);
    }
  }
  return found;
}

function hostAndPort(text: string): { readonly host: string; readonly port: string } {
  const six = /^\[([^\]]+)\](?::(.*))?$/.exec(text);
  if (six !== null) return { host: six[1] ?? "", port: six[2] ?? "" };
  const [host, port] = splitOnce(text, ":");
  return { host: decode(host), port: port ?? "" };
}

function splitOnce(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new PgrescueError("config", "connection URL: a percent sign is not followed by two hexadecimal digits", {
      next: "Write % as %25 in a password or name.",
      cause: error,
    });
  }
}
