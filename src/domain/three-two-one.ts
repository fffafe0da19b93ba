/** A place with a whole copy of the data. */
export interface DataCopy {
  /** For people: `the server`, `repository offsite`. */
  readonly name: string;
  /** What would have to fail for it to be lost: places of the same medium are lost together. */
  readonly medium: string;
  /** Whether it lies elsewhere than the server; null: not known. */
  readonly isOffsite: boolean | null;
}

/** How copies stand against the rule of three copies on two media, one of them elsewhere. */
export interface CopiesJudgement {
  readonly result: "pass" | "warn" | "unknown";
  readonly copies: number;
  readonly media: number;
  /** What is missing, a clause each. */
  readonly missing: readonly string[];
}

/** Judges the copies there are. Where it is not known whether one is elsewhere, the answer is not "fine". */
export function judgeCopies(copies: readonly DataCopy[]): CopiesJudgement {
  const media = new Set(copies.map(({ medium }) => medium)).size;
  const missing = [
    ...(copies.length < 3 ? [`${copies.length === 1 ? "one copy" : `${copies.length} copies`} instead of three`] : []),
    ...(media < 2 ? ["all on one medium"] : []),
  ];
  const offsite = copies.some(({ isOffsite }) => isOffsite === true);
  const perhaps = copies.some(({ isOffsite }) => isOffsite === null);
  if (!offsite && !perhaps) missing.push("none elsewhere");
  const result = missing.length > 0 ? "warn" : offsite ? "pass" : "unknown";
  return { result, copies: copies.length, media, missing };
}
