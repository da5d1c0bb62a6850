import {
  attributesOf,
  type EmscriptenFs,
  ERRNO,
  FILE_MODE,
  FOLDER_MODE,
  type FsNode,
  type FsStream,
  LINK_MODE,
  type NodeOps,
  type StreamOps,
  seekIn,
} from './emscripten.ts'

/**
 * Where 7-Zip sees the folder. The name is long because Emscripten takes a TextDecoder only for strings of more than 16
 * bytes, and its own decoder makes other names of bytes that are no UTF-8 than the listing has.
 */
export const OUTPUT_FOLDER = '/extracted-from-the-volume'

/** What 7-Zip writes, as it comes. Paths are below the folder; a file's bytes come in order, without gaps. */
export interface Output {
  folder(path: string): void
  /** Answers how many bytes the file may have at most, or undefined when it is not wanted. */
  file(path: string): number | undefined
  data(bytes: Uint8Array): void
  end(): void
}

/**
 * A folder that keeps nothing: what is written into it goes on to `Output` at once. Symbolic links are taken and
 * forgotten, so that nothing is ever written through one.
 */
export function outputFolder(fs: EmscriptenFs, output: Output) {
  let open: { readonly node: FsNode; readonly limit: number } | undefined
  const pathOf = (node: FsNode) => fs.getPath(node).slice(OUTPUT_FOLDER.length + 1)

  function make(parent: FsNode, name: string, mode: number): FsNode {
    const node = fs.createNode(parent, name, mode, 0)
    node.size = 0
    node.node_ops = node_ops
    node.stream_ops = stream_ops
    return node
  }

  function write(stream: FsStream, bytes: Uint8Array, position: number): number {
    const { node } = stream
    if (node !== open?.node) return bytes.length
    // 7-Zip writes from the start to the end; a hole that it left by seeking is filled.
    for (let at = node.size ?? 0; at < position; ) {
      const gap = Math.min(position - at, ZEROES.length)
      put(node, ZEROES.subarray(0, gap), open.limit)
      at += gap
    }
    if (position < (node.size ?? 0)) throw new fs.ErrnoError(ERRNO.invalid)
    put(node, bytes, open.limit)
    return bytes.length
  }

  function put(node: FsNode, bytes: Uint8Array, limit: number): void {
    const size = (node.size ?? 0) + bytes.length
    if (size > limit) throw new fs.ErrnoError(ERRNO.tooBig)
    node.size = size
    output.data(bytes)
  }

  const node_ops: NodeOps = {
    getattr: attributesOf,
    setattr(node, { mode }) {
      if (mode !== undefined) node.mode = mode
    },
    lookup(): FsNode {
      throw new fs.ErrnoError(ERRNO.notFound)
    },
    mknod(parent, name, mode) {
      const node = make(parent, name, mode)
      if ((mode & 0o170000) === (FOLDER_MODE & 0o170000)) output.folder(pathOf(node))
      return node
    },
    symlink: (parent, name) => make(parent, name, LINK_MODE),
    unlink: () => undefined,
    rmdir: () => undefined,
    rename(node, _folder, name) {
      node.name = name
    },
    readdir: () => ['.', '..'],
  }
  const stream_ops: StreamOps = {
    open(stream) {
      if ((stream.node.mode & 0o170000) !== (FILE_MODE & 0o170000)) return
      const limit = output.file(pathOf(stream.node))
      open = limit === undefined ? undefined : { node: stream.node, limit }
    },
    write: (stream, buffer, at, length, position) =>
      write(stream, new Uint8Array(buffer.buffer, buffer.byteOffset + at, length), position),
    llseek: (stream, distance, whence) => seekIn(fs, stream, distance, whence),
    close({ node }) {
      if (node !== open?.node) return
      open = undefined
      output.end()
    },
  }
  return {
    mount(): FsNode {
      const root = fs.createNode(null, '/', FOLDER_MODE, 0)
      root.node_ops = node_ops
      root.stream_ops = stream_ops
      return root
    },
  }
}

const ZEROES = new Uint8Array(64 << 10)
