import {choice, flag, grouped, text} from '../arguments/option-table.ts';

const POLICIES = ['always', 'missing', 'newer', 'never'] as const;

const platform = text('OS/ARCH[/VARIANT]', 'Another platform than this machine (linux/arm64)');

/** Flag of commands that show a stored image. */
export const PLATFORM_FLAG = {
  platform: text('OS/ARCH[/VARIANT]', 'The image for this platform, where several were pulled under one name'),
};

/** Flags of commands that pull what they need. */
export const IMAGE_FLAGS = grouped('Image:', {
  platform,
  pull: choice(POLICIES, 'Whether to ask the registry', {defaultsTo: 'missing'}),
});

/** Flag of commands that list or show. */
export const FORMAT_FLAG = {
  format: text('json|TEMPLATE', 'Print JSON, or {{.Field}} of each', {short: 'f'}),
};

/** Flag of tables that shorten. */
export const NO_TRUNC_FLAG = {
  'no-trunc': flag('Print digests and commands in full'),
};
