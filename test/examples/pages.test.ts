/**
 * Goal: what the pages under `examples` tell to copy compiles. Method: every ```ts block is a module of its own, checked
 * against the sources by the compiler options of the repository.
 */
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { filesUnder, read, root } from '../tidy/tree'

const pages = filesUnder('examples').filter((path) => path.endsWith('.md'))

describe('code blocks of the pages', () => {
  it('compile against the sources', { timeout: 300_000 }, () => {
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
    const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root)
    const blocks = new Map(
      pages.flatMap((page) =>
        [...read(page).matchAll(/```ts\n([\s\S]*?)```/g)].map(
          ([, text = ''], i) => [join(root, page.replace('.md', `.${i}.mts`)), text] as const,
        ),
      ),
    )
    expect(blocks.size).toBeGreaterThan(4)
    const host = ts.createCompilerHost(options)
    const fromDisk = host.getSourceFile.bind(host)
    host.fileExists = (path) => blocks.has(path) || ts.sys.fileExists(path)
    host.getSourceFile = (path, version) => {
      const text = blocks.get(path)
      return text === undefined ? fromDisk(path, version) : ts.createSourceFile(path, text, version)
    }
    const program = ts.createProgram([...blocks.keys()], options, host)
    const faults = [...blocks.keys()].flatMap((path) => {
      const file = program.getSourceFile(path)
      return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
        ({ messageText }) => `${path}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
      )
    })
    expect(faults).toEqual([])
  })
})
