declare const brand: unique symbol;

/** A value of type `T` that cannot be mixed up with another `T` of a different meaning. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** What JSON can say; events, plans and facts consist of nothing else. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
