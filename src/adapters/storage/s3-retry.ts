import type { S3ClientConfig } from "@aws-sdk/client-s3";

type Strategy = Exclude<NonNullable<S3ClientConfig["retryStrategy"]>, { retry: unknown }>;
type Token = Awaited<ReturnType<Strategy["acquireInitialRetryToken"]>>;
type Trouble = Parameters<Strategy["refreshRetryTokenForRetry"]>[1];

/** A store that is there but overloaded deserves patience (16 seconds); one that does not answer at all is soon told (4). */
const attempts = { overloaded: 7, unreachable: 5 };
const firstDelay = 250;
const longestDelay = 8_000;
/** A Retry-After beyond this is not waited for. */
const longestAsked = 30_000;

/**
 * When requests are repeated: delays that double, half of each by chance, and what the store asks for. Each request has
 * attempts of its own: the SDK's usual budget for all of them together is soon spent when many parts are under way.
 */
export function patientRetries(): Strategy {
  return {
    acquireInitialRetryToken: () => Promise.resolve(token(0, 0)),
    refreshRetryTokenForRetry: (used, trouble) => {
      const count = used.getRetryCount() + 1;
      const most = trouble.errorType === "TRANSIENT" ? attempts.unreachable : attempts.overloaded;
      if (trouble.errorType === "CLIENT_ERROR" || count >= most)
        return Promise.reject(new Error(`given up after ${count} attempts`));
      return Promise.resolve(token(count, delayOf(count, trouble)));
    },
    recordSuccess: () => undefined,
  };
}

function delayOf(count: number, { retryAfterHint }: Trouble): number {
  const delay = Math.min(longestDelay, firstDelay * 2 ** (count - 1));
  const asked = retryAfterHint === undefined ? 0 : retryAfterHint.getTime() - Date.now();
  // Many clients that wait equally long come back together.
  return Math.max(delay * (0.5 + Math.random() / 2), Math.min(asked, longestAsked));
}

function token(count: number, delay: number): Token {
  return { getRetryCount: () => count, getRetryDelay: () => delay };
}
