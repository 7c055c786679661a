/**
 * `conclave completion`: what a shell completes, made from the table of commands, so that it knows what they know.
 *
 * Decides the scripts alone. `commands` is passed in, as this command is one of them.
 */
import { type Command, EXIT, UsageError } from './command'
import { type Flag, type Flags, parseWithNames } from './flags'

type Commands = Readonly<Record<string, Command>>

const SHELLS = { bash, zsh, fish } as const

const HELP = `Usage: conclave completion bash|zsh|fish

Prints what makes the shell complete commands, options, files and values of options.

  bash   conclave completion bash > ~/.local/share/bash-completion/completions/conclave
  zsh    conclave completion zsh > "\${fpath[1]}/_conclave"
  fish   conclave completion fish > ~/.config/fish/completions/conclave.fish

It completes the program \`conclave\`, as \`npm install --global\` or an alias for \`npx conclave\` gives it.`

/** The subcommand, over that table. */
export function completion(commands: () => Commands): Command {
  return {
    summary: 'print what makes bash, zsh or fish complete these commands',
    help: HELP,
    flags: {},
    words: Object.keys(SHELLS),
    async run(args, terminal) {
      const { names } = parseWithNames(args, {}, 1)
      const [shell = ''] = names
      if (!Object.hasOwn(SHELLS, shell)) throw new UsageError('which shell? bash, zsh or fish.')
      terminal.print(SHELLS[shell as keyof typeof SHELLS](commands()))
      return EXIT.ok
    },
  }
}

const named = (flags: Flags): string[] => [...Object.keys(flags).map((name) => `--${name}`), '--help']
const firstLine = ({ summary }: { readonly summary: string }): string => summary.split('\n')[0] ?? ''

/** The program behind the dashes, then files. */
const BASH_PROGRAM = `case " \${COMP_WORDS[*]:2:COMP_CWORD-2} " in *" -- ") COMPREPLY=($(compgen -c -- "$word")); return ;; *" -- "*) COMPREPLY=($(compgen -f -- "$word")); return ;; esac; `

const ZSH_PROGRAM =
  'local dashes=$words[(i)--]; if (( dashes < CURRENT )); then shift $dashes words; (( CURRENT -= dashes )); _normal; return; fi; '

function fishProgram(name: string): string {
  return `complete -c conclave -n 'string match -rq -- " ${name} -- " (commandline -cp)' -a '(complete -C (string replace -r -- "^.*? -- " "" (commandline -cp)))'`
}

function bash(commands: Commands): string {
  const values = (command: string, [name, { value, choices, isPath }]: [string, Flag]): string[] => {
    if (value === undefined) return []
    const words = isPath ? 'compgen -f -- "$word"' : `compgen -W "${(choices ?? []).join(' ')}" -- "$word"`
    return [`    "${command} --${name}") COMPREPLY=($(${words})); return ;;`]
  }
  return [
    '# completion of conclave for bash',
    '_conclave() {',
    `  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command=\${COMP_WORDS[1]}`,
    '  if [ "$COMP_CWORD" = 1 ]; then',
    `    COMPREPLY=($(compgen -W "${Object.keys(commands).join(' ')} --help" -- "$word")); return`,
    '  fi',
    '  case "$command $before" in',
    ...Object.entries(commands).flatMap(([name, { flags }]) =>
      Object.entries(flags).flatMap((flag) => values(name, flag)),
    ),
    '  esac',
    '  case "$command" in',
    ...Object.entries(commands).map(([name, { flags, words = [], takesProgram }]) => {
      const all = [...words, ...named(flags), ...(takesProgram ? ['--'] : [])].join(' ')
      return `    ${name}) ${takesProgram ? BASH_PROGRAM : ''}COMPREPLY=($(compgen -W "${all}" -- "$word")) ;;`
    }),
    '  esac',
    '}',
    'complete -F _conclave conclave',
  ].join('\n')
}

function zsh(commands: Commands): string {
  const quote = (text: string): string => text.replaceAll("'", "'\\''")
  const plain = (text: string): string => quote(text.replace(/[[\]:]/g, ' '))
  const argument = ([name, flag]: [string, Flag]): string => {
    const { value, choices, isPath } = flag
    const values = isPath ? '_files' : choices === undefined ? ' ' : `(${choices.join(' ')})`
    return `'--${name}[${plain(firstLine(flag))}]${value === undefined ? '' : `:${value}:${values}`}'`
  }
  return [
    '#compdef conclave',
    '_conclave() {',
    '  local -a commands=(',
    ...Object.entries(commands).map(([name, command]) => `    '${name}:${plain(firstLine(command))}'`),
    '  )',
    '  if (( CURRENT == 2 )); then _describe command commands; return; fi',
    '  local command=$words[2]',
    '  shift words; (( CURRENT-- ))',
    '  case $command in',
    ...Object.entries(commands).map(([name, { flags, words, takesProgram }]) => {
      const first = words === undefined ? [] : [`'1:word:(${words.join(' ')})'`]
      const all = [...Object.entries(flags).map(argument), "'--help[says more]'", ...first]
      return `    ${name}) ${takesProgram ? ZSH_PROGRAM : ''}_arguments ${all.join(' ')} ;;`
    }),
    '  esac',
    '}',
    '_conclave "$@"',
  ].join('\n')
}

function fish(commands: Commands): string {
  const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const within = (name: string): string =>
    `complete -c conclave -n ${quote(`__fish_seen_subcommand_from ${name}`)}`
  return [
    '# completion of conclave for fish',
    'complete -c conclave -f',
    ...Object.entries(commands).flatMap(([name, command]) => [
      `complete -c conclave -n __fish_use_subcommand -a ${name} -d ${quote(firstLine(command))}`,
      ...(command.takesProgram ? [fishProgram(name)] : []),
      ...(command.words === undefined ? [] : [`${within(name)} -a ${quote(command.words.join(' '))}`]),
      ...Object.entries(command.flags).map(([option, flag]) => {
        const { value, choices, isPath } = flag
        const takes = value === undefined ? '' : isPath ? ' -r -F' : ' -x'
        const values = choices === undefined ? '' : ` -a ${quote(choices.join(' '))}`
        return `${within(name)} -l ${option}${takes}${values} -d ${quote(firstLine(flag))}`
      }),
      `${within(name)} -l help -d 'says more'`,
    ]),
  ].join('\n')
}
