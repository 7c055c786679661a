/**
 * What real shells offer for a line that is typed up to its end, with the script that `conclave completion` printed.
 *
 * zsh completes in its line editor alone, so it runs on a terminal of its own (`zsh/zpty`) and says which words it is given.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Candidates for the last word of that line, as they would be inserted. */
export type Offered = (line: string) => string[]

const said = (program: string, args: readonly string[], cwd: string): string =>
  execFileSync(program, args, { encoding: 'utf8', cwd, timeout: 30_000, stdio: ['ignore', 'pipe', 'pipe'] })

/** @param dir an empty directory, in which the shell stands. */
export function bashIn(dir: string, script: string): Offered {
  return (line) => {
    const words = line.split(' ')
    const ask = [
      script,
      `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})`,
      `COMP_CWORD=${words.length - 1}`,
      '_conclave',
      `printf "%s\\n" "\${COMPREPLY[@]}"`,
    ]
    return said('bash', ['--norc', '-c', ask.join('\n')], dir)
      .split('\n')
      .filter(Boolean)
  }
}

export function fishIn(dir: string, script: string): Offered {
  writeFileSync(join(dir, 'conclave.fish'), script)
  return (line) =>
    said('fish', ['--no-config', '-c', `source conclave.fish; complete -C '${line}'`], dir)
      .split('\n')
      .filter(Boolean)
      .map((candidate) => candidate.split('\t')[0] as string)
}

const ZSH = `
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PROMPT=; fpath=($PWD $fpath); autoload -U compinit; compinit -u -C -d $PWD/dump'
zpty -w shell 'compadd() { typeset -a hits; if [[ $* == *-[OAD]\\ * ]]; then builtin compadd "$@"; return; fi; builtin compadd -A hits "$@"; print -rl -- "offered:"$^hits; builtin compadd "$@" }'
zpty -w shell 'ask() { _main_complete; print -r -- over:; exit }; zle -C ask complete-word ask; bindkey "^I" ask; print -r -- ready:'
zpty -r -m shell text $'*\\nready:*'
zpty -w -n shell "$1"$'\\t'
zpty -r -m shell text '*over:*'
print -r -- $text
`

export function zshIn(dir: string, script: string): Offered {
  writeFileSync(join(dir, '_conclave'), script)
  writeFileSync(join(dir, 'ask.zsh'), ZSH)
  return (line) => {
    const text = said('zsh', ['-f', 'ask.zsh', line], dir)
    return [...text.matchAll(/offered:([^\r\n]*)/g)].map(([, candidate = '']) => candidate)
  }
}
