import {DEFAULT_DETACH_KEYS} from '../../containers/detach-keys.ts';
import {flag, type OptionValues, text} from '../arguments/option-table.ts';
import type {AttachSettings} from '../attach-streams.ts';
import {parseDetachKeys} from '../detach-keys.ts';

/** Flags of commands that connect to a running container. */
export const ATTACH_FLAGS = {
  'detach-keys': text('KEYS', 'What leaves a container with a terminal; an empty text: nothing', {
    defaultsTo: DEFAULT_DETACH_KEYS,
  }),
  'sig-proxy': flag('Pass on signals, unless it has a terminal', {defaultsTo: 'true'}),
};

/** @throws {WinchError} `FLAG_INVALID` */
export const parseAttach = (
  values: OptionValues<typeof ATTACH_FLAGS>,
  {readsInput}: {readonly readsInput: boolean},
): AttachSettings => ({
  readsInput,
  detachKeys: parseDetachKeys(values['detach-keys'] ?? DEFAULT_DETACH_KEYS),
  proxiesSignals: values['sig-proxy'] ?? true,
});
