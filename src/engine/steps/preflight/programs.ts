import type { Verdict } from "../../../domain/verdict.ts";
import { installationFor } from "../own-server.ts";
import { isInPlace, majorOf } from "../recovery-inputs.ts";
import { preloadedLibraries } from "../old-configuration.ts";
import { verdict } from "../signals.ts";
import type { PreflightQuestion } from "./ask.ts";

/** Whether PostgreSQL of the same major version is here, with the libraries that the old configuration loads. */
export const programs: PreflightQuestion = {
  check: "preflight.programs",
  title: "PostgreSQL programs",
  async ask({ inputs, ctx }) {
    const major = majorOf(inputs);
    if (major < 12) {
      return [
        verdict("preflight.programs", this.title, "fail", `PostgreSQL ${major} knows no recovery.signal`, {
          mend: "Restore it with its own tools; pgrescue restores PostgreSQL 12 and later.",
        }),
      ];
    }
    const installation = await installationFor(inputs, ctx);
    const answers: Verdict[] = [
      verdict(
        "preflight.programs",
        this.title,
        "pass",
        `${installation.bin} (${installation.version}) for a point of ${inputs.postgresVersion}`,
      ),
    ];
    const libraries = await preloadedLibraries(inputs, ctx);
    const missing = await ctx.world.postgres.missingLibraries(installation, libraries);
    if (missing.length === 0) return answers;
    const names = missing.join(", ");
    return [
      ...answers,
      isInPlace(inputs)
        ? verdict("preflight.libraries", "preloaded libraries", "fail", `${names} not installed`, {
            mend: `Install the packages with ${names}: the configuration preloads them, and the server does not start without.`,
          })
        : verdict(
            "preflight.libraries",
            "preloaded libraries",
            "warn",
            `${names} not installed; left out of the scratch server`,
          ),
    ];
  },
};
