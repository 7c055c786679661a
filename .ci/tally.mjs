/**
 * Prints "N passed, N failed" from the JSON report of vitest, and fails unless the run was whole and without failure.
 *
 * Arguments: the report, and the exit code of the run. A file that could not even be loaded counts as one failure, and so
 * does a report that is not there, or a run that failed outside of any test: nothing of this may look like success.
 */
import { readFileSync } from 'node:fs'

let report = { success: false, numPassedTests: 0, numFailedTests: 0, testResults: [] }
try {
  report = JSON.parse(readFileSync(process.argv[2], 'utf8'))
} catch {
  console.log('The tests did not run to their end: no report.')
}
const broken = report.testResults.filter(
  (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
)
const failures = report.numFailedTests + broken.length
const whole = report.success && report.numPassedTests > 0 && process.argv[3] === '0'
const failed = failures === 0 && !whole ? 1 : failures
console.log(`${report.numPassedTests} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
