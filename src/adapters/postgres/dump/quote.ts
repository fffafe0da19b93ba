/** A text as SQL has it, whatever standard_conforming_strings says. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll("\\", "\\\\")}'`;
  return text.includes("\\") ? `E${quoted}` : quoted;
}

/** A database's name where a program takes a connection string as well: the name alone could be read as one. */
export function databaseArgument(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? name : `dbname='${name.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
