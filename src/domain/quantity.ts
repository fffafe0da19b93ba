/** Seconds in a duration like `30s`, `15m`, `2h`, `7d`, `1h30m`; null when it is not one. */
export function parseDuration(text: string): number | null {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d|w))+$/.test(text.trim())) return null;
  const units: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)].reduce(
    (sum, m) => sum + Number(m[1]) * (units[m[2] ?? ""] ?? 0),
    0,
  );
}

/** Bytes in a size like `8MiB`, `1GB`, `512`; null when it is not one. */
export function parseSize(text: string): number | null {
  const m = /^(\d+(?:\.\d+)?)\s*(B|[kKMGT]i?B)?$/.exec(text.trim());
  if (m === null) return null;
  const unit = (m[2] ?? "B").toUpperCase();
  const power = ["B", "K", "M", "G", "T"].indexOf(unit[0] ?? "B");
  return Math.round(Number(m[1]) * (unit.includes("I") ? 1024 : 1000) ** power);
}

/** For people: `212 GB`, `9.4 MB`, `0 B`; decimal units, three digits. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toPrecision(value >= 9.95 ? 3 : 2)} ${units[unit]}`;
}

/** For people: `38 s`, `12m40`, `2h05m`, `6 d`. */
export function formatDuration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (n: number): string => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
  return `${Math.floor(whole / 86_400)} d`;
}
