/** Numbers of the Remote Framebuffer protocol. @source RFC 6143 and the community's rfbproto document. */

export const VERSION_3_8 = 'RFB 003.008\n'
export const SECURITY_NONE = 1

export const CLIENT_MESSAGE = {
  setPixelFormat: 0,
  setEncodings: 2,
  updateRequest: 3,
  key: 4,
  pointer: 5,
  cutText: 6,
  setDesktopSize: 251,
  qemu: 255,
} as const

export const SERVER_MESSAGE = { update: 0, setColourMap: 1, bell: 2, cutText: 3 } as const

export const ENCODING = {
  raw: 0,
  tight: 7,
  desktopSize: -223,
  cursor: -239,
  qemuExtendedKey: -258,
  extendedDesktopSize: -308,
} as const

/** Status of an ExtendedDesktopSize that answers a client's wish: "resize is administratively prohibited". */
export const RESIZE_PROHIBITED = { reason: 1, status: 1 } as const
