/** `T` with those members optional that may be undefined in it. */
export type Defined<T> = {readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K]} & {
  readonly [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The object without its undefined members, so that what a document does not say stays absent when it is written back. */
export const definedMembers = <T extends object>(object: T): Defined<T> =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
