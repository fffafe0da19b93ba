/** A statement of pg_dumpall's about a role. */
export interface RoleStatement {
  readonly kind: "create" | "alter" | "grant" | "set" | "other";
  /** The role that it changes; null where it is about something else. */
  readonly role: string | null;
  readonly sql: string;
}

/** Rights that only a superuser can give; managed servers have none. */
const superuserOnly = /\s(?:NO)?(?:SUPERUSER|REPLICATION|BYPASSRLS)\b/g;

/** Roles that a managed server keeps for itself: they cannot be made elsewhere, nor given. */
export function isProvidersRole(name: string): boolean {
  return /^(?:azuresu|azure_.*|rdsadmin|rds_.*|rdsrepladmin|cloudsql.*|pg_.*)$/.test(name);
}

/**
 * The statements of a globals file (pg_dumpall --globals-only, or Azure's roles.sql) in order, each without its semicolon.
 * psql's own commands and comments are left out: nothing of the file is run but statements about roles.
 */
export function roleStatements(text: string): readonly RoleStatement[] {
  // An escape could end a string where the server does not see its end: such a statement is not run.
  return statementsIn(text)
    .filter((sql) => !sql.includes("\\"))
    .map((sql) => {
      const name = String.raw`("(?:[^"]|"")+"|[^\s";]+)`;
      const match = (pattern: string): string | null => {
        const m = new RegExp(`^${pattern}`, "i").exec(sql);
        return m === null ? null : unquoted(m[1] ?? "");
      };
      const created = match(`CREATE (?:ROLE|USER) ${name}`);
      if (created !== null) return { kind: "create", role: created, sql };
      const set = match(`ALTER (?:ROLE|USER) ${name}(?: IN DATABASE \\S+)? SET\\s`);
      if (set !== null) return { kind: "set", role: set, sql };
      const altered = match(`ALTER (?:ROLE|USER) ${name}`);
      if (altered !== null) return { kind: "alter", role: altered, sql };
      const member = /^GRANT ("(?:[^"]|"")+"|[^\s",]+) TO ("(?:[^"]|"")+"|[^\s",;]+)/i.exec(sql);
      if (member !== null) return { kind: "grant", role: unquoted(member[2] ?? ""), sql };
      return { kind: "other", role: null, sql };
    });
}

/**
 * What makes the roles that are missing as they were: created, altered, their settings and memberships. Roles that are
 * there are not touched. Without a superuser, attributes that only one can give are left out.
 */
export function statementsFor(
  statements: readonly RoleStatement[],
  missing: ReadonlySet<string>,
  { superuser }: { readonly superuser: boolean },
): readonly string[] {
  return (
    statements
      .filter(({ kind, role }) => kind !== "other" && role !== null && missing.has(role))
      // Settings in one database would go to a database that may not be there.
      .filter(({ sql }) => !/^ALTER (?:ROLE|USER) .* IN DATABASE /i.test(sql))
      .map(({ kind, sql }) => {
        if (kind === "grant") return sql.replace(/ GRANTED BY .*$/i, "");
        return superuser || kind === "set" ? sql : withoutLiterals(sql, (part) => part.replaceAll(superuserOnly, ""));
      })
      .filter((sql) => !/^ALTER (?:ROLE|USER) \S+( WITH)?\s*$/i.test(sql))
  );
}

/** Splits at semicolons that stand outside of quotes; comments and lines that begin with a backslash are dropped. */
function statementsIn(text: string): readonly string[] {
  const parts = text.matchAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|^\\[^\n]*$|;|[^'"\-\\;]+|[\s\S]/gm);
  const found: string[] = [];
  let current = "";
  for (const [part] of parts) {
    if (part.startsWith("--") || /^\\[^\n]+$/.test(part)) continue;
    if (part !== ";") {
      current += part;
      continue;
    }
    if (current.trim() !== "") found.push(current.trim());
    current = "";
  }
  return found;
}

function withoutLiterals(sql: string, change: (part: string) => string): string {
  return sql
    .split(/('(?:[^']|'')*'|"(?:[^"]|"")*")/)
    .map((part, at) => (at % 2 === 1 ? part : change(part)))
    .join("");
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
