/** Compares `major.minor` of a kernel release with a wanted `major.minor`. */
export function isKernelAtLeast(release: string, wanted: string): boolean {
  const [major = 0, minor = 0] = release.split(/[.-]/, 2).map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.', 2).map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
