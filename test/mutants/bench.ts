/**
 * Runs one named test of a test file against patched sources, without starting a test runner for each mutant.
 *
 * The file is bundled together with the sources that it imports; `describe`, `it` and the hooks come from here, `expect`
 * is the real one. What this bench does not know is an error, so no test passes or fails for want of something here; and
 * each test has to pass here without the mutation before its failure counts (`kill.ts`).
 */
import { expect } from 'vitest'
import { compile, load, type Patch } from './compile'

type Body = () => unknown
type Hooks = Readonly<Record<'beforeAll' | 'beforeEach' | 'afterEach' | 'afterAll', Body[]>>

interface Suite {
  readonly parent: Suite | null
  readonly hooks: Hooks
}

interface Test {
  readonly name: string
  readonly suite: Suite
  readonly body: Body
}

/** What a test file imports from vitest, as far as the tests here need it. */
class Collector {
  readonly tests: Test[] = []
  /** What the test that runs wants to be done after it. */
  readonly finishing: Body[] = []
  private suite: Suite = suiteIn(null)

  readonly api = {
    expect,
    describe: (_name: string, body: Body): void => {
      const outer = this.suite
      this.suite = suiteIn(outer)
      body()
      this.suite = outer
    },
    it: Object.assign(
      (name: string, body: Body): void => {
        this.tests.push({ name, suite: this.suite, body })
      },
      {
        each:
          (rows: readonly unknown[]) =>
          (name: string, body: (...row: unknown[]) => unknown): void => {
            for (const row of rows) {
              const cells = Array.isArray(row) ? row : [row]
              this.api.it(name.replace('%s', String(cells[0])), () => body(...cells))
            }
          },
      },
    ),
    beforeAll: (hook: Body): void => this.hook('beforeAll', hook),
    beforeEach: (hook: Body): void => this.hook('beforeEach', hook),
    afterEach: (hook: Body): void => this.hook('afterEach', hook),
    afterAll: (hook: Body): void => this.hook('afterAll', hook),
    onTestFinished: (hook: Body): void => {
      this.finishing.push(hook)
    },
  }

  private hook(when: keyof Hooks, hook: Body): void {
    this.suite.hooks[when].push(hook)
  }
}

function suiteIn(parent: Suite | null): Suite {
  return { parent, hooks: { beforeAll: [], beforeEach: [], afterEach: [], afterAll: [] } }
}

/** Runs that test once, hooks around it. Resolves to null if it passes, else to the first line of what was wrong. */
export async function runTest(file: string, name: string, patches: readonly Patch[]): Promise<string | null> {
  return (await benchOf(file, patches))(name)
}

/** Bundles a test file with patched sources; what comes out runs its tests by name, as `runTest` does. */
export async function benchOf(
  file: string,
  patches: readonly Patch[],
): Promise<(name: string) => Promise<string | null>> {
  const collector = new Collector()
  const vitest = new Proxy(collector.api, {
    get(api, key) {
      if (key in api) return api[key as keyof typeof api]
      throw new Error(`${file} needs ${String(key)} of vitest, which the bench does not have`)
    },
  })
  load(await compile(file, patches), { vitest })
  return (name) => run(collector, file, name)
}

async function run(collector: Collector, file: string, name: string): Promise<string | null> {
  const named = collector.tests.filter((test) => test.name === name)
  if (named.length !== 1) throw new Error(`${file} has ${named.length} tests named "${name}"`)
  const [{ suite, body }] = named as [Test]
  const around: Suite[] = []
  for (let at: Suite | null = suite; at !== null; at = at.parent) around.unshift(at)
  try {
    for (const { hooks } of around) for (const hook of hooks.beforeAll) await hook()
    for (const { hooks } of around) for (const hook of hooks.beforeEach) await hook()
    await body()
    return null
  } catch (error) {
    return firstLine(error)
  } finally {
    for (const hook of collector.finishing.splice(0).reverse()) await hook()
    for (const { hooks } of around.reverse()) for (const hook of hooks.afterEach) await hook()
    for (const { hooks } of around) for (const hook of hooks.afterAll) await hook()
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? ''
}
