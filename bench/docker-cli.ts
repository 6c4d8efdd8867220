// node bench/docker-cli.ts --winch unix:///run/winch.sock --docker unix:///run/docker.sock --image REFERENCE [--only WORD]
//
// Runs the docker command through both servers, every command that people use and those with a terminal under a
// pseudo-terminal, and compares what it prints, apart from ids, times, sizes and the width of columns, and its exit codes.
// Names of what it makes begin with cli. Prints a JSON line for each command, and one with the sum at the end.
import {spawn} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import {parseArgs} from 'node:util';

const {values} = parseArgs({
  options: {
    winch: {type: 'string', default: 'unix:///run/winch.sock'},
    docker: {type: 'string', default: 'unix:///run/docker.sock'},
    image: {type: 'string', default: '127.0.0.1:5000/busybox:1'},
    network: {type: 'string', default: 'none'},
    only: {type: 'string'},
  },
});

interface Step {
  /** A line of a shell; `$D` is docker, `$I` the image. */
  readonly line: string;
  /** `text`: all of it. `keys`: names of fields and headings alone. `end`: the exit code alone. */
  readonly by: 'text' | 'keys' | 'end';
}

const steps = (by: Step['by'], lines: readonly string[]): readonly Step[] => lines.map((line) => ({line, by}));
const pty = (command: string, typed: string): string =>
  `(sleep 1; printf '${typed}'; sleep 1) | script -qec "${command}" /dev/null`;

const STEPS: readonly Step[] = [
  ...steps('keys', ['$D version', '$D info']),
  ...steps('text', ['$D pull -q $I', '$D pull -q $I', '$D images --format "{{.Repository}}:{{.Tag}}" $I']),
  ...steps('keys', [
    '$D images',
    '$D image ls --format "{{json .}}"',
    '$D inspect $I',
    '$D image inspect $I',
    '$D history $I',
  ]),
  ...steps('text', ['$D tag $I cli:bar', '$D save -o s.tar cli:bar', '$D load -q -i s.tar', '$D rmi cli:bar']),
  ...steps('text', ['tar c -C / etc/hostname | $D import - cli:imp | wc -l']),
  ...steps('text', [
    '$D run --rm --network none $I echo hi',
    'echo in | $D run --rm -i --network none $I cat',
    pty('$D run --rm -it --network none $I sh', 'echo a$((1+1))b\\nexit 3\\n'),
    '$D run -d --name cli1 -e A=b -v /tmp:/x --network $N $I sh -c "echo out; sleep 0.3; echo err >&2; exec sleep 300"',
    '$D ps --filter name=cli --format "{{.Names}} {{.Image}} {{.Command}} {{.State}}"',
    '$D ps --filter name=cli',
    '$D ps -a --filter name=cli1 --format "{{.Names}} {{.Status}}"',
  ]),
  ...steps('keys', ['$D inspect cli1']),
  ...steps('text', [
    '$D inspect -f "{{.State.Status}} {{.Config.Env}} {{.HostConfig.Binds}} {{json .Mounts}}" cli1',
    '$D logs cli1',
    '$D logs --tail 1 cli1',
    '$D logs --tail 1 -t cli1',
    'timeout 2 $D logs -f cli1',
    '$D exec cli1 id',
    'echo in | $D exec -i cli1 cat',
    '$D exec cli1 sh -c "exit 7"',
    pty('$D exec -it cli1 sh', 'echo a$((1+1))b\\nexit 3\\n'),
    '$D exec -d cli1 true',
    '$D exec cli1 nosuch',
  ]),
  ...steps('keys', ['$D top cli1', '$D stats --no-stream cli1']),
  ...steps('text', [
    '$D port cli1',
    '$D exec cli1 touch /new && $D diff cli1 | grep new',
    '$D cp cli1:/etc/passwd pw && cat pw | wc -l',
    '$D cp pw cli1:/tmp/pw2 && $D exec cli1 ls /tmp/pw2',
    '$D rename cli1 cli2',
    '$D pause cli2',
    '$D ps --filter name=cli --format "{{.Names}} {{.Status}}"',
    '$D pause cli2',
    '$D unpause cli2',
    '$D update --memory 64m --memory-swap 64m cli2',
    'timeout -s KILL 2 $D attach --no-stdin cli2',
    '$D commit cli2 cli:com',
    '$D export -o e.tar cli2 && tar tf e.tar | grep -c etc/passwd',
    '$D restart -t 0 cli2',
    '$D stop -t 0 cli2',
    '$D stop cli2',
    '$D start cli2',
    '$D start cli2',
    '$D kill -s TERM cli2',
    '$D kill cli2',
    '$D kill cli2',
    '$D wait cli2',
    '$D rm -f cli2',
    '$D create --name cli3 --network none $I echo from cli3',
    '$D start -a cli3',
    '$D inspect -f "{{.State.ExitCode}} {{.State.Status}}" cli3',
    '$D run --name cli3 --network none $I true',
    '$D rm cli3',
    '$D run --rm --network none $I sh -c "exit 42"',
    '$D run --rm --network none $I nosuch',
    '$D run --rm --network none $I /etc',
    '$D run --rm --network none -w /tmp -u 1:2 -e X=y --hostname h $I sh -c "pwd; id -u; echo \\$X; hostname"',
    '$D run --rm --network none --tmpfs /t:size=1m --read-only $I sh -c "touch /t/a && touch /b"',
    '$D run --rm --network none --memory 32m --pids-limit 50 --cpus 0.5 $I cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max',
  ]),
  ...steps('end', ['$D events --since 1m --until 0s']),
  ...steps('text', [
    '$D network ls --format "{{.Name}} {{.Driver}} {{.Scope}}" | grep -v bridge',
    '$D network create clinet',
    '$D network create clinet',
    '$D network inspect -f "{{.Name}} {{.Driver}} {{.Internal}} {{.Containers}}" clinet',
  ]),
  ...steps('keys', ['$D network inspect clinet']),
  ...steps('text', [
    '$D run --rm --network clinet --network-alias al $I true',
    '$D create --name cli4 --network clinet $I true',
    '$D network disconnect clinet cli4',
    '$D network connect --alias x clinet cli4',
    '$D rm cli4',
    '$D network rm clinet',
    '$D network rm clinet',
    '$D volume create clivol',
    '$D volume ls --filter name=cli',
    '$D volume inspect -f "{{.Name}} {{.Driver}} {{.Scope}}" clivol',
    '$D run --rm --network none -v clivol:/v $I touch /v/x',
    '$D run --rm --network none -v clivol:/v:ro $I ls /v',
    '$D volume rm clivol',
    '$D volume rm clivol',
    '$D container prune -f --filter label=cli',
    '$D image prune -f --filter label=cli',
    '$D volume prune -f --filter label=cli',
    '$D network prune -f --filter label=cli',
  ]),
  ...steps('keys', ['$D volume create clivol2 && $D volume inspect clivol2 && $D volume rm clivol2', '$D system df']),
  ...steps('text', [
    '$D system prune -f --filter label=cli',
    '$D inspect nosuch',
    '$D rm nosuch',
    '$D logs nosuch',
    '$D exec nosuch true',
    '$D start nosuch',
    '$D rmi nosuch',
    '$D rmi cli:imp cli:com | grep -c Untagged',
  ]),
  ...steps('end', [
    '$D run --rm no-such-image:x true',
    '$D search foo',
    '$D login -u a -p b 127.0.0.1:5000',
    '$D push -q 127.0.0.1:5000/some/none:1',
  ]),
];

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(host: string, {line}: Step, directory: string): Promise<Outcome> {
  const D = `docker -H ${host}`;
  const child = spawn(
    'bash',
    ['-c', line.replaceAll('$D', D).replaceAll('$I', values.image).replaceAll('$N', values.network)],
    {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    },
  );
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return {code: await ended, stdout, stderr};
}

/** What may differ is the same word in both. */
const plain = (output: string, host: string): string =>
  output
    .replaceAll(host, 'HOST')
    .replaceAll(/\r/g, '')
    .replaceAll(/sha256:[0-9a-f]{64}/g, 'DIGEST')
    .replaceAll(/\b[0-9a-f]{64}\b/g, 'ID')
    .replaceAll(/\b[0-9a-f]{12}\b/g, 'ID')
    .replaceAll(/\b\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z| ?[+-]\d{4}(?: [A-Z]{3,4})?)?/g, 'TIME')
    .replaceAll(/\b(?:About an?|Less than a|\d+) (?:second|minute|hour)s?(?: ago)?/g, 'WHILE')
    .replaceAll(/\b\d+(?:\.\d+)? ?(?:[kMG]i?)?B\b/g, 'SIZE')
    .replaceAll(/ {2,}/g, ' ');

/** Names of fields of JSON, else the words before colons, and headings. */
function keysOf(output: string): string {
  const json = [...output.matchAll(/"([A-Za-z]\w*)":/g)].map(([, name]) => name ?? '');
  if (json.length > 0) return [...new Set(json)].toSorted().join('\n');
  const labels = [...output.matchAll(/^ *([A-Z][\w /-]*):/gm)].map(([, label]) => label ?? '');
  return labels.length > 0 ? labels.toSorted().join('\n') : (output.split('\n')[0] ?? '');
}

const linesOnlyIn = (one: string, other: string): readonly string[] => {
  const known = new Set(other.split('\n'));
  return one.split('\n').filter((line) => !known.has(line));
};

function compare({by}: Step, winch: Outcome, docker: Outcome) {
  const read = ({stdout, stderr}: Outcome, host: string): string => {
    if (by === 'end') return '';
    return by === 'keys' ? keysOf(plain(stdout, host)) : plain(`${stdout}\n--\n${stderr}`, host);
  };
  const [ours, theirs] = [read(winch, values.winch), read(docker, values.docker)];
  const missing = linesOnlyIn(theirs, ours);
  const surplus = by === 'keys' ? [] : linesOnlyIn(ours, theirs);
  const isSame = winch.code === docker.code && missing.length === 0 && surplus.length === 0;
  return {isSame, ...(!isSame && {winch: winch.code, docker: docker.code, missing, surplus})};
}

const directories = {winch: mkdtempSync(join(tmpdir(), 'cli-')), docker: mkdtempSync(join(tmpdir(), 'cli-'))};
let same = 0;
const chosen = STEPS.filter(({line}) => values.only === undefined || line.includes(values.only));
for (const step of chosen) {
  const winch = await run(values.winch, step, directories.winch);
  const docker = await run(values.docker, step, directories.docker);
  const result = compare(step, winch, docker);
  if (result.isSame) same += 1;
  process.stdout.write(`${JSON.stringify({line: step.line, by: step.by, ...result})}\n`);
}
for (const directory of Object.values(directories)) rmSync(directory, {recursive: true});
process.stdout.write(`${JSON.stringify({commands: chosen.length, same})}\n`);
