// Read by old Nodes, as winch.js is.
const {spawn} = require('node:child_process');
const {existsSync, readFileSync} = require('node:fs');
const {dirname, join} = require('node:path');

const FORWARDED_SIGNALS = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'];

/** Runs the same command line by a Node that lies beside the package, and ends as that does. */
function runUnderNewerNode({script, oldestMajor}) {
  const node = findNode(dirname(dirname(script)), oldestMajor);
  if (node === null) {
    process.stderr.write(
      `winch: NODE_TOO_OLD: this is Node ${process.versions.node}, and winch needs ${oldestMajor} or later: ` +
        'install it from https://nodejs.org, or beside winch with: npm install node\n',
    );
    process.exitCode = 1;
    return;
  }
  // Listens first: a signal between the start and the listening would end this process and leave the other running.
  let child = null;
  const stopForwarding = forwardSignals((signal) => child?.kill(signal));
  child = spawn(node, [...process.execArgv, script, ...process.argv.slice(2)], {stdio: 'inherit'});
  child.on('error', (error) => {
    process.stderr.write(`winch: NODE_FAILED: ${node} cannot be started: ${error.message}\n`);
    process.exitCode = 1;
    stopForwarding();
  });
  child.on('exit', (code, signal) => {
    stopForwarding();
    if (signal === null) process.exitCode = code;
    else process.kill(process.pid, signal);
  });
}

/** The `node` package of npm, here or in a directory above, as it brings the binary of the version it has itself. */
function findNode(packageDirectory, oldestMajor) {
  for (let directory = packageDirectory; ; directory = dirname(directory)) {
    const found = join(directory, 'node_modules', 'node');
    if (isNewEnough(found, oldestMajor)) return join(found, 'bin', 'node');
    if (dirname(directory) === directory) return null;
  }
}

function isNewEnough(directory, oldestMajor) {
  try {
    const {version} = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    return Number.parseInt(version, 10) >= oldestMajor && existsSync(join(directory, 'bin', 'node'));
  } catch {
    return false;
  }
}

/** Returns what stops it. */
function forwardSignals(send) {
  const forward = (signal) => {
    // These a terminal sends to both processes by itself.
    const isShared = process.stdin.isTTY && ['SIGINT', 'SIGQUIT', 'SIGWINCH'].includes(signal);
    if (!isShared) send(signal);
  };
  for (const signal of FORWARDED_SIGNALS) process.on(signal, forward);
  return () => FORWARDED_SIGNALS.forEach((signal) => void process.off(signal, forward));
}

module.exports = {runUnderNewerNode};
