// Plain JavaScript that an old Node reads as well.
const {lstatSync} = require('node:fs');

/** Whether nobody else can write to a directory; false where there is none. What is kept there is executed. */
function isPrivate(directory) {
  try {
    const status = lstatSync(directory);
    return status.isDirectory() && status.uid === process.geteuid() && (status.mode & 0o022) === 0;
  } catch {
    return false;
  }
}

module.exports = {isPrivate};
