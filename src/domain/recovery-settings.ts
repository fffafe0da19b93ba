import { formatInstant, type Instant } from "./instant.ts";
import { formatLsn, type Lsn } from "./lsn.ts";
import type { TimelineId } from "./segment.ts";
import type { RecoverySettings, TargetRequest } from "./target.ts";

/** What PostgreSQL is told to stop at. `end`: nothing, it replays all there is. */
export type StopBy =
  | { readonly kind: "request" }
  | { readonly kind: "lsn"; readonly lsn: Lsn; readonly inclusive: boolean }
  | { readonly kind: "immediate" }
  | { readonly kind: "end" };

/**
 * The recovery_target_* settings (manual, 20.5.6). The timeline is always a number: "latest" would follow any branch that
 * an earlier attempt left in the archive. `request` stops by what the request names; others replace it.
 */
export function recoverySettings(
  request: TargetRequest,
  by: StopBy,
  timeline: TimelineId,
  action: RecoverySettings["recovery_target_action"],
): RecoverySettings {
  const base = { recovery_target_timeline: String(timeline), recovery_target_action: action } as const;
  switch (by.kind) {
    case "immediate":
      return { ...base, recovery_target: "immediate" };
    case "lsn":
      return { ...base, recovery_target_lsn: formatLsn(by.lsn), recovery_target_inclusive: onOff(by.inclusive) };
    case "request":
      return { ...base, ...asked(request) };
    case "end":
    default:
      return base;
  }
}

function asked({ target, inclusive }: TargetRequest): Partial<RecoverySettings> {
  switch (target.kind) {
    case "time":
      return { recovery_target_time: formatSettingTime(target.time), recovery_target_inclusive: onOff(inclusive) };
    case "xid":
      return { recovery_target_xid: String(target.xid), recovery_target_inclusive: onOff(inclusive) };
    case "lsn":
      return { recovery_target_lsn: formatLsn(target.lsn), recovery_target_inclusive: onOff(inclusive) };
    case "name":
      return { recovery_target_name: target.name };
    case "immediate":
      return { recovery_target: "immediate" };
    case "latest":
    default:
      return {};
  }
}

/** A time as recovery_target_time takes it, with its offset: `2026-11-20 02:51:07.482000+00`. */
function formatSettingTime(at: Instant): string {
  return formatInstant(at).replace("T", " ").replace("Z", "+00");
}

function onOff(value: boolean): "on" | "off" {
  return value ? "on" : "off";
}
