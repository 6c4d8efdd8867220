import {join} from 'node:path';
import {readOutput} from '../command.ts';
import type {PeerDefinition, PeerSetting, ServedImage} from './peer.ts';

const WINCH = [process.execPath, join(import.meta.dirname, '../../bin/winch.js')];

/** The floor of `run`: the bundle that winch makes for the same command, unpacked already, and nothing around the runtime. */
export const runc: PeerDefinition = {
  name: 'runc',
  probe: ['--version'],
  open(setting) {
    const {words, version, directory, removeDirectory} = setting;
    return {
      name: 'runc',
      version,
      note: "bare, on winch's bundle of the same command: the floor of run",
      commands: {
        version: [...words, '--version'],
        run: ({name}) => [...words, 'run', '-b', join(directory, name), `winch-bench-${name}`],
      },
      load: (image) => prepareBundle(setting, image),
      reset: () => removeDirectory(directory),
    };
  },
};

async function prepareBundle({directory, removeDirectory}: PeerSetting, {name, reference}: ServedImage): Promise<void> {
  const [store, bundle] = [join(directory, 'store'), join(directory, name)];
  await removeDirectory(bundle);
  await readOutput([...WINCH, '--root', store, 'bundle', '--network', 'none', reference, bundle, 'true']);
}
