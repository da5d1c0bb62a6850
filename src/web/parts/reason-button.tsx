import { ActionIcon, Button, type ButtonProps, Tooltip } from '@mantine/core'
import type { ComponentPropsWithoutRef, MouseEvent, ReactNode } from 'react'

interface Reason {
  /** Why it cannot be pressed now; absent = it can. Stays focusable so that the reason can be read. */
  readonly reason?: string | undefined
}

type ButtonRest = ButtonProps & Omit<ComponentPropsWithoutRef<'button'>, keyof ButtonProps>

export function ReasonButton({ reason, onClick, children, ...rest }: ButtonRest & Reason) {
  return (
    <Tooltip label={reason} disabled={reason === undefined}>
      <Button {...rest} {...refusing(reason, onClick)}>
        {children}
      </Button>
    </Tooltip>
  )
}

interface IconProps extends Reason {
  readonly label: string
  readonly children: ReactNode
  readonly onClick?: (event: MouseEvent<HTMLButtonElement>) => void
  readonly pressed?: boolean
  readonly color?: string
  readonly variant?: string
  readonly size?: string
  readonly loading?: boolean
}

/** An icon with a name: the tooltip for the eye, aria-label for the rest, and the reason when refused. */
export function ReasonIcon({ label, reason, onClick, children, pressed, ...rest }: IconProps) {
  return (
    <Tooltip label={reason === undefined ? label : `${label}: ${reason}`}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={label}
        aria-pressed={pressed}
        {...rest}
        {...refusing(reason, onClick)}
      >
        {children}
      </ActionIcon>
    </Tooltip>
  )
}

function refusing(
  reason: string | undefined,
  onClick: ((event: MouseEvent<HTMLButtonElement>) => void) | undefined,
) {
  if (reason === undefined) return { onClick }
  return {
    'data-disabled': true,
    'aria-disabled': true,
    'aria-description': reason,
    onClick: (event: MouseEvent<HTMLButtonElement>) => event.preventDefault(),
  }
}
