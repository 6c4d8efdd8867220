import {randomHex} from '../host/random-hex.ts';

const ADJECTIVES: readonly string[] = (
  'able agile amber ample apt avid basic bold brave breezy bright brisk calm candid careful cheerful clear clever cosy ' +
  'crisp curious daring deft eager early earnest fair fearless festive fine firm fluent fond frank free fresh friendly ' +
  'gentle glad golden graceful grand happy hardy honest humble jolly jovial keen kind lively loyal lucid lucky mellow ' +
  'merry mighty modest neat nimble noble patient placid polite proud prudent quick quiet rapid ready sharp silent ' +
  'sincere smart snug solid sound spry steady sturdy subtle sunny swift tidy tranquil upbeat vivid warm wise witty zesty'
).split(' ');

/** Of people to whom mathematics, science and computers owe much. */
const SURNAMES: readonly string[] = (
  'abel agnesi ampere archimedes avogadro babbage banach bell bohr boole born brahe cantor carson cauchy celsius chandra ' +
  'church clarke copernicus coulomb curie dalton darwin descartes dijkstra dirac edison einstein erdos euclid euler ' +
  'faraday fermat fermi feynman fibonacci fourier franklin galileo galois gauss germain goodall hamilton hawking ' +
  'heisenberg herschel hertz hilbert hopper hubble huygens hypatia jacobi joule kelvin kepler knuth kovalevskaya lagrange ' +
  'lamarr laplace leibniz linnaeus lovelace marconi maxwell meitner mendel mendeleev mirzakhani newton noether ohm pascal ' +
  'pasteur planck ramanujan riemann ritchie rutherford sagan shannon tesla thales turing volta watt wiener'
).split(' ');

/** So often two names without a number are tried. */
const PLAIN_ATTEMPTS = 3;
const MOST_NUMBER = 10_000;
const RANDOM_BYTES = 6;

/**
 * A name for a container to which nobody gives one, as docker's: `brave_lovelace`.
 *
 * @param attempt How many have turned out to be taken; names get a number when there are many.
 */
export const randomName = (attempt = 0): string => compose(randomHex(RANDOM_BYTES), attempt >= PLAIN_ATTEMPTS);

/**
 * The name of a run in the foreground to which nobody gives one. It follows from the id, so that it need not be written
 * down, and has a number: nobody looks whether it is taken.
 */
export const nameFromId = (id: string): string => compose(id.slice(0, 2 * RANDOM_BYTES), true);

function compose(hex: string, isNumbered: boolean): string {
  const random = Number.parseInt(hex, 16);
  const adjective = ADJECTIVES[random % ADJECTIVES.length];
  const rest = Math.floor(random / ADJECTIVES.length);
  const name = `${adjective}_${SURNAMES[rest % SURNAMES.length]}`;
  return isNumbered ? `${name}${Math.floor(rest / SURNAMES.length) % MOST_NUMBER}` : name;
}
