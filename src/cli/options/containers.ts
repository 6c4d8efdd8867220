/** The positionals of commands about containers. */
export const CONTAINERS = {usage: 'CONTAINER...', minimum: 1, areContainers: true} as const;
