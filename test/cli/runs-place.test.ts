import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { currentUser } from "../../src/adapters/system/users.ts";
import { runsPlace } from "../../src/cli/runs-place.ts";
import type { Settings } from "../../src/cli/settings.ts";
import { giveToServer } from "../support/server.ts";
import { serverUser } from "../../src/adapters/postgres/throwaway-server.ts";
import { findUser } from "../../src/adapters/system/users.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const settings = (more: Partial<Settings>) => ({
  stateDirectory: "/var/lib/pgrescue",
  isStateDefault: true,
  cluster: null,
  ...more,
});

test("root looks for runs where the owner of the data directory keeps them", async () => {
  await using directory = await temporaryDirectory();
  const dataDirectory = join(directory.path, "data");
  await mkdir(dataDirectory);
  await giveToServer(dataDirectory);
  const owner = (await serverUser()) ?? (await currentUser());
  const home = (await findUser(owner.uid))?.home ?? "/";
  const cluster = { dataDirectory } as Settings["cluster"];
  expect(await runsPlace(settings({ cluster }), 0)).toBe(join(home, ".local/state/pgrescue"));
});

test("a state directory that is named is taken as it is, and so is one's own", async () => {
  expect(await runsPlace(settings({ stateDirectory: "/srv/state", isStateDefault: false }), 0)).toBe("/srv/state");
  expect(await runsPlace(settings({ stateDirectory: "/home/ana/state" }), 1000)).toBe("/home/ana/state");
});
