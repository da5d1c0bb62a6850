import { ActionIcon, Menu, Tooltip } from '@mantine/core'
import type RFB from '@novnc/novnc'
import {
  IconArrowsMaximize,
  IconArrowsMinimize,
  IconAspectRatio,
  IconCamera,
  IconCommand,
  IconKeyboard,
} from '@tabler/icons-react'
import { type RefObject, useState } from 'react'
import type { MachineDetails } from '../../../api/index.ts'
import { screenUrl } from '../../client.ts'
import { STATES } from '../../machine/machine-states.ts'
import { ReasonButton, ReasonIcon } from '../../parts/reason-button.tsx'
import classes from './console.module.css'
import { COMBINATIONS, press } from './keys.ts'
import { type Cover, whyNoKeys } from './screen-state.ts'
import { TypeText } from './type-text.tsx'

interface BarProps {
  readonly machine: MachineDetails
  readonly rfb: RefObject<RFB | undefined>
  readonly cover: Cover
  readonly scale: boolean
  readonly onScale: (scale: boolean) => void
  readonly fullscreen: boolean
  readonly onFullscreen: () => void
}

export function ConsoleBar({ machine, rfb, cover, scale, onScale, fullscreen, onFullscreen }: BarProps) {
  const [typing, setTyping] = useState(false)
  const noKeys = whyNoKeys(cover)
  const send = (keys: (typeof COMBINATIONS)[number]['keys']) => {
    press(keys, (keysym, code, down) => rfb.current?.sendKey(keysym, code, down))
    rfb.current?.focus()
  }
  return (
    <div className={classes.bar} role="toolbar" aria-label="Console">
      <ReasonButton
        size="xs"
        variant="default"
        reason={noKeys}
        onClick={() => {
          rfb.current?.sendCtrlAltDel()
          rfb.current?.focus()
        }}
      >
        Ctrl-Alt-Del
      </ReasonButton>
      <Menu position="bottom-start" disabled={noKeys !== undefined}>
        <Menu.Target>
          <ReasonIcon label="More keys" reason={noKeys}>
            <IconCommand size={18} />
          </ReasonIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {COMBINATIONS.map(({ label, keys }) => (
            <Menu.Item key={label} onClick={() => send(keys)}>
              {label}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <ReasonIcon label="Type text" reason={noKeys} onClick={() => setTyping(true)}>
        <IconKeyboard size={18} />
      </ReasonIcon>
      <Screenshot machine={machine} />
      <ReasonIcon
        label="Scale to fit"
        pressed={scale}
        onClick={() => onScale(!scale)}
        variant={scale ? 'light' : 'subtle'}
      >
        <IconAspectRatio size={18} />
      </ReasonIcon>
      <ReasonIcon label={fullscreen ? 'Leave full screen' : 'Full screen'} onClick={onFullscreen}>
        {fullscreen ? <IconArrowsMinimize size={18} /> : <IconArrowsMaximize size={18} />}
      </ReasonIcon>
      <span className={classes.hint}>Click the screen to type; right Ctrl frees the keyboard</span>
      {typing && <TypeText machine={machine} onClose={() => setTyping(false)} />}
    </div>
  )
}

function Screenshot({ machine }: { readonly machine: MachineDetails }) {
  if (!STATES[machine.state].on)
    return (
      <ReasonIcon label="Download a picture of the screen" reason="The machine is turned off.">
        <IconCamera size={18} />
      </ReasonIcon>
    )
  return (
    <Tooltip label="Download a picture of the screen">
      <ActionIcon
        component="a"
        href={screenUrl(machine.id)}
        download={`${machine.name}.png`}
        variant="subtle"
        color="gray"
        size="lg"
        aria-label="Download a picture of the screen"
      >
        <IconCamera size={18} />
      </ActionIcon>
    </Tooltip>
  )
}
