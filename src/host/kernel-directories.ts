/** Covered by file systems of the kernel in every container: nothing of the image shows there, and links lead out. */
const KERNEL_DIRECTORIES = ['/proc', '/sys', '/dev'] as const;

/** Whether a normalised absolute path is `/proc`, `/sys` or `/dev`, or lies below one. */
export const isKernelDirectory = (path: string): boolean =>
  KERNEL_DIRECTORIES.some((directory) => path === directory || path.startsWith(`${directory}/`));
