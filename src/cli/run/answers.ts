import type { Arguments, OptionSpecs } from "../command.ts";

/** Options of every command that runs steps which may ask. */
export const answerOptions = {
  confirm: {
    type: "string",
    value: "CLUSTER@HOST",
    summary: "confirms in advance what changes production; the exact text",
  },
  yes: { type: "boolean", short: "y", summary: "answers yes to everything that does not change production" },
} as const satisfies OptionSpecs;

/** The answers given on the command line, by the name of their flag. */
export function answersFrom(args: Arguments): { readonly [flag: string]: string } {
  const confirm = args.string("confirm");
  return { ...(confirm === undefined ? {} : { confirm }), ...(args.flag("yes") ? { yes: "yes" } : {}) };
}
