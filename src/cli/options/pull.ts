import type {PullEachOptions} from '../../images/pull-each.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {choice, flag, type OptionValues, text} from '../arguments/option-table.ts';
import {flagsConflict} from '../arguments/usage-error.ts';

const POLICIES = ['always', 'missing', 'newer', 'never'] as const;

/** Flags of `pull`. */
export const PULL_FLAGS = {
  platform: text('OS/ARCH[/VARIANT]', 'Another platform than this machine (linux/arm64)'),
  'all-platforms': flag('Every platform that the image is made for'),
  'all-tags': flag('Every tag of the repositories', {short: 'a'}),
  policy: choice(POLICIES, 'Whether to ask the registry', {defaultsTo: 'always'}),
  'download-only': flag('Unpack later, when the image is first used'),
  plan: flag('Only say what would be downloaded, and from where'),
  format: choice(['json'], 'Print the plan as JSON', {short: 'f'}),
  foreign: flag('Fetch layers that registries do not hold (Windows) from where the manifest says'),
};

/**
 * What these flags say about a pull.
 *
 * @throws {WinchError} `FLAGS_CONFLICT`
 */
export function parsePullFlags(values: OptionValues<typeof PULL_FLAGS>): PullEachOptions {
  if (values['all-platforms'] && values.platform !== undefined) {
    throw flagsConflict('--platform and --all-platforms exclude one another', 'give one of them');
  }
  if (values.plan && values['all-tags']) throw flagsConflict('--plan does not go with --all-tags', 'name the images');
  if (values.format && !values.plan) throw flagsConflict('--format is for --plan alone', 'leave it out');
  return definedMembers({
    platform: values.platform,
    policy: values.policy,
    allPlatforms: values['all-platforms'],
    allTags: values['all-tags'],
    downloadOnly: values['download-only'],
    foreignLayers: values.foreign ? ('fetch' as const) : undefined,
  });
}
