/** A part of a file inside a volume: bytes of the volume, or zeroes that are stored nowhere. */
export type FilePiece =
  | { readonly kind: 'data'; readonly offset: number; readonly length: number }
  | { readonly kind: 'hole'; readonly length: number }
