/**
 * What the tidy tests read: the files of the repository, without what git ignores, and their syntax trees.
 * Decides nothing; the rules are in the tests beside it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** The top of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Text of a file, by its path from the top. */
export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** True for a name that `.gitignore` lists; its patterns are `name/` and `*.extension` only. */
function isIgnored(name: string, patterns: readonly string[]): boolean {
  return patterns.some((p) => (p.startsWith('*') ? name.endsWith(p.slice(1)) : p.replace('/', '') === name))
}

/** Paths below a folder, from the top with `/`, sorted; nothing that git ignores. */
export function filesUnder(folder: string): string[] {
  const patterns = read('.gitignore').split('\n').filter(Boolean)
  const walk = (path: string): string[] =>
    readdirSync(join(root, path), { withFileTypes: true }).flatMap((entry) => {
      if (entry.name === '.git' || isIgnored(entry.name, patterns)) return []
      const child = path === '' ? entry.name : `${path}/${entry.name}`
      return entry.isDirectory() ? walk(child) : [child]
    })
  return walk(folder).sort()
}

/** The TypeScript files below a folder. */
export function sourcesUnder(folder: string): string[] {
  return filesUnder(folder).filter((path) => path.endsWith('.ts'))
}

/** A syntax tree whose nodes know their parents. */
export function parse(path: string, text: string = read(path)): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true)
}

/** Calls back for a node and everything below it. */
export function visit(node: ts.Node, callback: (node: ts.Node) => void): void {
  callback(node)
  ts.forEachChild(node, (child) => visit(child, callback))
}

/** `path:line` of a node, for messages. */
export function place(node: ts.Node): string {
  const file = node.getSourceFile()
  return `${file.fileName}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`
}
