/** The SQLSTATE (`57P03`) of an error or of what caused it; null when the server did not say it. */
export function sqlStateOf(error: unknown): string | null {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ("code" in at && typeof at.code === "string" && /^[0-9A-Z]{5}$/.test(at.code) && "severity" in at)
      return at.code;
  }
  return null;
}
