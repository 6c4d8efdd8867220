import {type Digest, digestOf} from './digest.ts';

/**
 * The chain ids of a stack of layers: entry `n` names the result of applying layers 0 to `n`.
 *
 * @see image-spec v1.1.1 config.md#layer-chainid
 */
export function chainIds(diffIds: readonly Digest[]): readonly Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const parent = chain.at(-1);
    chain.push(parent === undefined ? diffId : digestOf(Buffer.from(`${parent} ${diffId}`)));
  }
  return chain;
}
