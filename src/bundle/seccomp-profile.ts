import {isKernelAtLeast} from '../host/kernel-release.ts';
import type {RuntimeSeccomp, RuntimeSyscallArgument, RuntimeSyscallRule} from '../oci/runtime-spec.ts';

/** A seccomp profile in docker's form: rules that hold for some machines and capabilities only. */
export interface SeccompProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly archMap?: readonly SeccompArchitecture[];
  readonly flags?: readonly string[];
  readonly syscalls: readonly SeccompRule[];
}

export interface SeccompArchitecture {
  readonly architecture: string;
  readonly subArchitectures?: readonly string[] | null;
}

export interface SeccompRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly RuntimeSyscallArgument[];
  readonly includes?: SeccompFilter;
  readonly excludes?: SeccompFilter;
}

export interface SeccompFilter {
  readonly caps?: readonly string[];
  /** Go names (`amd64`). */
  readonly arches?: readonly string[];
  /** `major.minor` */
  readonly minKernel?: string;
}

/** What the container will have and where it will run: decides which rules hold. */
export interface SeccompTarget {
  readonly capabilities: readonly string[];
  /** As Go names it (`amd64`). */
  readonly architecture: string;
  /** Release of the running kernel (`6.1.0-13-amd64`). */
  readonly kernel: string;
}

const NATIVE_ARCHITECTURES: Readonly<Record<string, string>> = {
  amd64: 'SCMP_ARCH_X86_64',
  arm64: 'SCMP_ARCH_AARCH64',
  riscv64: 'SCMP_ARCH_RISCV64',
  s390x: 'SCMP_ARCH_S390X',
  ppc64le: 'SCMP_ARCH_PPC64LE',
  loong64: 'SCMP_ARCH_LOONGARCH64',
};

/**
 * Turns a profile into what the runtime takes: keeps the rules that hold for `target`, and joins those that differ only
 * in their names, since the runtime compiles the filter anew for every container.
 */
export function resolveSeccompProfile(profile: SeccompProfile, target: SeccompTarget): RuntimeSeccomp {
  const rules = profile.syscalls.filter((rule) => holds(rule, target));
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet !== undefined && {defaultErrnoRet: profile.defaultErrnoRet}),
    architectures: profile.architectures ?? architecturesFor(profile.archMap ?? [], target),
    ...(profile.flags !== undefined && {flags: profile.flags}),
    syscalls: mergeRules(rules),
  };
}

function holds({includes = {}, excludes = {}}: SeccompRule, target: SeccompTarget): boolean {
  const hasCapability = (name: string) => target.capabilities.includes(name);
  return (
    (includes.arches === undefined || includes.arches.includes(target.architecture)) &&
    (includes.caps ?? []).every(hasCapability) &&
    (includes.minKernel === undefined || isKernelAtLeast(target.kernel, includes.minKernel)) &&
    !(excludes.arches ?? []).includes(target.architecture) &&
    !(excludes.caps ?? []).some(hasCapability) &&
    (excludes.minKernel === undefined || !isKernelAtLeast(target.kernel, excludes.minKernel))
  );
}

function architecturesFor(map: readonly SeccompArchitecture[], target: SeccompTarget): readonly string[] {
  const native = map.find(({architecture}) => architecture === NATIVE_ARCHITECTURES[target.architecture]);
  return native === undefined ? [] : [native.architecture, ...(native.subArchitectures ?? [])];
}

function mergeRules(rules: readonly SeccompRule[]): RuntimeSyscallRule[] {
  const merged = new Map<string, RuntimeSyscallRule & {names: string[]}>();
  for (const {names, action, errnoRet, args = []} of rules) {
    const effect = {action, ...(errnoRet !== undefined && {errnoRet}), ...(args.length > 0 && {args})};
    const key = JSON.stringify(effect);
    const rule = merged.get(key) ?? {names: [], ...effect};
    rule.names.push(...names.filter((name) => !rule.names.includes(name)));
    merged.set(key, rule);
  }
  return [...merged.values()];
}
