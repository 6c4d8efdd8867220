import type {ContainerOptions, SecurityOption} from './container-options.ts';

type Named<N extends SecurityOption['name']> = Extract<SecurityOption, {readonly name: N}>;

/** The last security option of this name: a later one replaces an earlier one. */
export const findSecurityOption = <N extends SecurityOption['name']>(
  options: ContainerOptions,
  name: N,
): Named<N> | undefined => options.securityOptions?.findLast((option): option is Named<N> => option.name === name);
