/** The one kind of volumes: directories of this machine, as docker's own driver makes them. */
export const VOLUME_DRIVER = 'local';
