import {choice, flag, grouped, text} from '../arguments/option-table.ts';

const POLICIES = ['always', 'missing', 'never'] as const;

const platform = text('OS/ARCH[/VARIANT]', 'Another platform than this machine (linux/arm64)');

/** Flags of `pull`. */
export const PULL_FLAGS = {
  platform,
  policy: choice(POLICIES, 'Whether to ask the registry', {defaultsTo: 'always'}),
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
