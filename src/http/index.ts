/** The public face of `conclave/http`: each line a decision. Opens no port (E10): the service serves, this answers. */
export {
  type ProbeHandler,
  type ProbeOptions,
  type ProbeRequest,
  type ProbeResponse,
  probes,
} from './probes'
