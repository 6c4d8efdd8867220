import {mkdir, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {readOutput} from '../command.ts';
import type {PeerDefinition, PeerSetting, ServedImage} from './peer.ts';

/** The floor of `run`: a rootfs that is unpacked already, and nothing around the runtime. */
export const runc: PeerDefinition = {
  name: 'runc',
  probe: ['--version'],
  open(setting) {
    const {words, version, directory, removeDirectory} = setting;
    return {
      name: 'runc',
      version,
      note: 'bare, on an unpacked rootfs: the floor of run',
      commands: {
        version: [...words, '--version'],
        run: ({name}) => [...words, 'run', '-b', join(directory, name), `winch-bench-${name}`],
      },
      load: (image) => prepareBundle(setting, image),
      reset: () => removeDirectory(directory),
    };
  },
};

async function prepareBundle(setting: PeerSetting, {name, layerFiles}: ServedImage): Promise<void> {
  const {words, directory, removeDirectory} = setting;
  const bundle = join(directory, name);
  const rootfs = join(bundle, 'rootfs');
  await removeDirectory(bundle);
  await mkdir(rootfs, {recursive: true});
  // The layers of these images delete nothing, so that one over the other is the merged tree.
  for (const file of layerFiles) await readOutput(['tar', '-C', rootfs, '--numeric-owner', '-xzf', file]);
  await readOutput([...words, 'spec', '-b', bundle]);
  const path = join(bundle, 'config.json');
  const config = JSON.parse(await readFile(path, 'utf8'));
  config.process = {...config.process, terminal: false, args: ['true']};
  config.process.env = ['PATH=/usr/bin:/bin'];
  config.root.readonly = false;
  await writeFile(path, JSON.stringify(config));
}
