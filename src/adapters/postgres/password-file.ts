import { readFile, stat } from "node:fs/promises";

/** What a password is looked up by. `host` as libpq compares it: a default socket directory counts as localhost. */
export interface PasswordKey {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/**
 * Looks in a .pgpass (manual 34.16): the first line that fits. A file that others may read is ignored, as libpq does; then
 * `ignored` says why.
 */
export async function findInPasswordFile(
  file: string,
  key: PasswordKey,
): Promise<{ readonly password: string | null; readonly ignored: string | null }> {
  const info = await stat(file).catch(() => null);
  if (info === null) return { password: null, ignored: null };
  if (!info.isFile()) return { password: null, ignored: `${file} is not a plain file` };
  if ((info.mode & 0o077) !== 0)
    return { password: null, ignored: `${file} may be read by others: its mode must be 0600` };
  const text = await readFile(file, "utf8").catch(() => null);
  return text === null
    ? { password: null, ignored: `${file} cannot be read` }
    : { password: matchPassword(text, key), ignored: null };
}

/** The password of the first line that fits; null when none does. */
function matchPassword(text: string, key: PasswordKey): string | null {
  const wanted = [
    key.host === "" || isDefaultSocket(key.host) ? "localhost" : key.host,
    String(key.port),
    key.database,
    key.user,
  ];
  for (const line of text.split(/\r?\n/)) {
    if (line === "" || line.startsWith("#")) continue;
    // Colons and backslashes inside a field are escaped; the password is the rest up to an unescaped colon.
    const fields = line.match(/(?:[^:\\]|\\[\s\S])*(?::|$)/g)?.map((field) => field.replace(/:$/, "")) ?? [];
    const [host, port, database, user, password] = fields;
    if (password === undefined) continue;
    if ([host, port, database, user].every((field, at) => field === "*" || unescapeField(field ?? "") === wanted[at]))
      return unescapeField(password);
  }
  return null;
}

function isDefaultSocket(host: string): boolean {
  return host === "/var/run/postgresql" || host === "/tmp";
}

function unescapeField(text: string): string {
  return text.replace(/\\([\s\S])/g, "$1");
}
