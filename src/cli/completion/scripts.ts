// Each script hands over the words up to the cursor and offers what comes back; with no answer, files.

const BASH = `_winch() {
  local line words candidate candidates current prefix=
  line=\${COMP_LINE:0:COMP_POINT}
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  current=\${words[\${#words[@]}-1]}
  mapfile -t candidates < <(winch __complete -- "\${words[@]:1}" 2>/dev/null | cut -f 1)
  # Readline replaces only what follows the last colon.
  [[ $COMP_WORDBREAKS == *:* ]] && prefix=\${current%"\${current##*:}"}
  COMPREPLY=()
  for candidate in "\${candidates[@]}"; do COMPREPLY+=("\${candidate#"$prefix"}"); done
}
complete -o default -F _winch winch`;

const ZSH = `#compdef winch
_winch() {
  local -a lines described
  # _describe wants word:description, with the colons of the word escaped.
  local line escaped='\\:'
  lines=("\${(@f)$(winch __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in \${lines:#}; do
    described+=("\${\${line%%$'\\t'*}//:/$escaped}:\${\${line#*$'\\t'}}")
  done
  if (( $#described )); then _describe winch described; else _files; fi
}
if [[ $funcstack[1] == _winch ]]; then _winch "$@"; else compdef _winch winch; fi`;

const FISH = `function __winch_complete
  set -l words (commandline --tokenize --cut-at-cursor --current-process)
  winch __complete -- $words[2..] (commandline --current-token --cut-at-cursor) 2>/dev/null
end
complete --command winch --arguments '(__winch_complete)'`;

/** Completion scripts by shell. */
export const COMPLETION_SCRIPTS = {bash: BASH, zsh: ZSH, fish: FISH} as const;

/** Whether there is a completion script for this shell. */
export const isShell = (shell: string): shell is keyof typeof COMPLETION_SCRIPTS =>
  Object.hasOwn(COMPLETION_SCRIPTS, shell);
