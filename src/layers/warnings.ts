/** A hostile layer must not fill the memory or the screen with warnings. */
const WARNING_LIMIT = 20;

/** Collects what a user should hear of once. */
export interface Warnings {
  readonly add: (text: string) => void;
  readonly list: () => readonly string[];
}

export function createWarnings(): Warnings {
  const texts = new Set<string>();
  return {
    add: (text) => {
      if (texts.size < WARNING_LIMIT) texts.add(text);
    },
    list: () => [...texts],
  };
}
