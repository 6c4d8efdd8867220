/** The positionals of commands about volumes. */
export const VOLUMES = {usage: 'VOLUME...', minimum: 1, areVolumes: true} as const;
