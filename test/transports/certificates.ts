/** Certificates of a test's own authority, made with the openssl program. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** PEM texts of one party. */
export interface Identity {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** An authority that certifies whatever a test asks for. */
export class Authority {
  readonly #dir = mkdtempSync(join(tmpdir(), 'conclave-ca-'))
  readonly ca: string
  #serial = 1

  constructor(name = 'test authority') {
    this.#openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-days',
      '30',
      '-subj',
      `/CN=${name}`,
    )
    this.ca = this.#read('ca.pem')
  }

  /** A certificate; `san` as openssl writes it, e.g. `URI:conclave://test/a`. `days` below 0: it is over already. */
  issue(commonName: string, san: string | null, days = 30): Identity {
    this.#openssl(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      'key.pem',
      '-out',
      'csr.pem',
      '-subj',
      `/CN=${commonName}`,
    )
    writeFileSync(
      join(this.#dir, 'ext'),
      `basicConstraints=CA:FALSE\n${san === null ? '' : `subjectAltName=${san}\n`}`,
    )
    this.#openssl(
      'x509',
      '-req',
      '-in',
      'csr.pem',
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-set_serial',
      String(this.#serial++),
      '-out',
      'cert.pem',
      '-days',
      String(days),
      '-extfile',
      'ext',
    )
    return { ca: this.ca, cert: this.#read('cert.pem'), key: this.#read('key.pem') }
  }

  close(): void {
    rmSync(this.#dir, { recursive: true, force: true })
  }

  #read(file: string): string {
    return readFileSync(join(this.#dir, file), 'utf8')
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.#dir, stdio: 'pipe' })
  }
}
