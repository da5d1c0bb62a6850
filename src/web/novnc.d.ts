/** The part of noVNC's published interface (docs/API.md) that the console uses; the package brings no types. */
declare module '@novnc/novnc' {
  export interface RfbEvents {
    connect: CustomEvent<Record<string, never>>
    disconnect: CustomEvent<{ readonly clean: boolean }>
    desktopname: CustomEvent<{ readonly name: string }>
    securityfailure: CustomEvent<{ readonly status: number; readonly reason?: string }>
  }

  export default class RFB {
    constructor(target: HTMLElement, url: string, options?: { readonly shared?: boolean })
    viewOnly: boolean
    focusOnClick: boolean
    scaleViewport: boolean
    clipViewport: boolean
    showDotCursor: boolean
    background: string
    addEventListener<Name extends keyof RfbEvents>(
      name: Name,
      listener: (event: RfbEvents[Name]) => void,
    ): void
    disconnect(): void
    sendCtrlAltDel(): void
    sendKey(keysym: number, code: string | null, down?: boolean): void
    focus(options?: FocusOptions): void
    blur(): void
  }
}
