import { type ErrorDetails, type Problem, VivariumError } from '../../../base/index.ts'
import { NEXT_CHECK } from '../../next-steps.ts'

/** The error of every structure here that contradicts itself or the file. */
export function damaged(
  code: string,
  message: string,
  where: NonNullable<ErrorDetails['where']>,
  next = NEXT_CHECK,
): VivariumError {
  return new VivariumError('corrupt', code, message, { where, next })
}

/** Valid, and beyond what Vivarium does. */
export function unsupported(
  code: string,
  message: string,
  where: NonNullable<ErrorDetails['where']>,
  next: string,
): VivariumError {
  return new VivariumError('unsupported', code, message, { where, next })
}

export function warning(
  code: string,
  message: string,
  where: NonNullable<Problem['where']>,
  next: string,
): Problem {
  return { code, severity: 'warning', message, where, next }
}
