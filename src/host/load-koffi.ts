import {existsSync} from 'node:fs';
import {createRequire} from 'node:module';

export type Koffi = Pick<typeof import('koffi'), 'load' | 'errno'>;

const require = createRequire(import.meta.url);
const {platform, arch} = process;
/** Where musl is, koffi finds out for itself which of its two binaries fits. */
const MUSL_LOADERS: Readonly<Record<string, string>> = {
  x64: '/lib/ld-musl-x86_64.so.1',
  arm64: '/lib/ld-musl-aarch64.so.1',
};

/**
 * koffi, of which winch uses what its binary has by itself: loaded without the JavaScript around it, it takes 1 ms, not 10.
 * Package managers that hide it from others than koffi, and machines of other kinds, get koffi as it is.
 */
export function loadKoffi(): Koffi {
  const muslLoader = MUSL_LOADERS[arch];
  if (platform === 'linux' && muslLoader !== undefined && !existsSync(muslLoader)) {
    const path = `@koromix/koffi-${platform}-${arch}/${platform}_${arch}/koffi.node`;
    try {
      return require(path) as Koffi;
    } catch {}
  }
  return require('koffi') as Koffi;
}
