import { useFullscreenDocument, useLocalStorage } from '@mantine/hooks'
import { type KeyboardEvent, useEffect, useRef } from 'react'
import type { MachineDetails } from '../../../api/index.ts'
import { STATES } from '../../machine/machine-states.ts'
import classes from './console.module.css'
import { ConsoleBar } from './console-bar.tsx'
import { ConsoleCover } from './console-cover.tsx'
import { coverOf } from './screen-state.ts'
import { useScreen } from './use-screen.ts'

/** The machine's screen, keyboard and mouse. Right Ctrl gives the keyboard back to the page. */
export function Console({ machine }: { readonly machine: MachineDetails }) {
  const stage = useRef<HTMLDivElement>(null)
  const bar = useRef<HTMLDivElement>(null)
  // The whole document goes full screen, not the console alone: dialogs and hints live outside of the console.
  const fullscreen = useFullscreenDocument()
  const [scale, setScale] = useLocalStorage({ key: 'vivarium-console-scale', defaultValue: true })
  useEffect(() => () => void leaveFullscreen(), [])
  const { connection, rfb } = useScreen(stage, {
    id: machine.id,
    on: STATES[machine.state].on,
    run: machine.startedAt,
    scale,
    viewOnly: machine.state !== 'Running',
  })
  const cover = coverOf(machine.state, connection)
  // noVNC takes every key, Tab too: without a key that frees the keyboard nobody could leave without a mouse.
  const freeKeyboard = (event: KeyboardEvent) => {
    if (event.code !== 'ControlRight' || !(event.target instanceof HTMLCanvasElement)) return
    event.stopPropagation()
    event.preventDefault()
    if (event.type === 'keydown') bar.current?.querySelector('button')?.focus()
  }
  return (
    <section
      className={classes.frame}
      data-full={fullscreen.fullscreen}
      aria-label={`Console of ${machine.name}`}
    >
      <div ref={bar}>
        <ConsoleBar
          machine={machine}
          rfb={rfb}
          cover={cover}
          scale={scale}
          onScale={setScale}
          fullscreen={fullscreen.fullscreen}
          onFullscreen={fullscreen.toggle}
        />
      </div>
      <div className={classes.stage} onKeyDownCapture={freeKeyboard} onKeyUpCapture={freeKeyboard}>
        <div
          ref={stage}
          className={classes.screen}
          data-dim={cover === 'paused' || cover === 'reconnecting'}
          data-hidden={cover === 'off' || cover === 'invalid' || cover === 'busy' || cover === 'connecting'}
        />
        {cover !== 'none' && <ConsoleCover machine={machine} cover={cover} />}
      </div>
    </section>
  )
}

async function leaveFullscreen(): Promise<void> {
  if (document.fullscreenElement !== null) await document.exitFullscreen()
}
