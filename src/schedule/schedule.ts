/**
 * `schedule`: cron for one process of many, whichever leads (USERS 14).
 *
 * Runs happen only inside a leadership and get its token and signal; the fence remembers the last one together with the token,
 * so that after a fail-over the successor goes on exactly where the predecessor was. Decides nothing itself.
 * Read next: `scheduler.ts` (the loop), `plan.ts` (when), `options.ts` (the policies); which tool when: `examples/scheduling.md`.
 */
import { ElectionError } from '../errors'
import { checkSchedule, type ScheduleOptions } from './options'
import { planOf, type When } from './plan'
import { type Schedule, type ScheduledWork, type ScheduleElection, Scheduler } from './scheduler'

/**
 * Runs `work` at every time that is due, at whichever process leads the election. Call it at every process, with the same
 * arguments; start the election as usual. One run at a time.
 *
 * Due times are times of the wall clock of whoever leads. A clock that is set forward makes the times in between missed
 * ones, as an outage would; one that is set back waits, and no time is due twice, as the fence only goes forward. With a
 * time zone, a time that does not exist in spring runs when the gap is over, one that comes twice in autumn runs once;
 * expressions by the hour or the minute run at every real hour or minute.
 *
 * The first leader that ever comes remembers when it came: what was due before that is not missed.
 *
 * Hazards: a run that lasts longer than the leadership has to heed `signal` and to send `token` with what it writes, as all
 * work under a lease. A fence in memory forgets with its process: only for tests.
 *
 * @throws ELECTION_CONFIG_INVALID: the expression, the interval or an option means nothing.
 */
export function schedule(
  election: ScheduleElection,
  when: When,
  work: ScheduledWork,
  options: ScheduleOptions,
): Schedule {
  if (typeof work !== 'function') {
    throw new ElectionError('ELECTION_CONFIG_INVALID', 'schedule(): expected a function to run')
  }
  const checked = checkSchedule(options, election.name)
  return new Scheduler(election, planOf(when, checked.timeZone), work, checked)
}
