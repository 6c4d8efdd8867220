/** Where, of what is its own, a container has what it writes: a copy of its image has all files in one place. */
export const WRITTEN = process.env.WINCH_SNAPSHOTTER === 'copy' ? 'rootfs' : 'upper';
