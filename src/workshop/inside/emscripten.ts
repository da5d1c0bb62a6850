/**
 * The part of an Emscripten module that we use (emscripten.org/docs/api_reference/Filesystem-API.html, and the source
 * of its file system, src/library_fs.js, for the parts that a file system of one's own gets to see).
 */
export interface FsNode {
  readonly id: number
  name: string
  mode: number
  size?: number
  node_ops: NodeOps
  stream_ops: StreamOps
}

export interface FsStream {
  readonly node: FsNode
  position: number
  stream_ops: StreamOps
}

export interface FsAttributes {
  readonly size?: number
  readonly mode?: number
  readonly mtime?: number | null
}

export interface NodeOps {
  getattr?(node: FsNode): object
  setattr?(node: FsNode, attributes: FsAttributes): void
  lookup?(parent: FsNode, name: string): FsNode
  mknod?(parent: FsNode, name: string, mode: number): FsNode
  symlink?(parent: FsNode, name: string, target: string): FsNode
  unlink?(parent: FsNode, name: string): void
  rmdir?(parent: FsNode, name: string): void
  rename?(node: FsNode, folder: FsNode, name: string): void
  readdir?(node: FsNode): string[]
}

/** `buffer` is the module's memory, `offset` a place in it. */
export interface StreamOps {
  open?(stream: FsStream): void
  close?(stream: FsStream): void
  read?(stream: FsStream, buffer: Int8Array, offset: number, length: number, position: number): number
  write?(stream: FsStream, buffer: Int8Array, offset: number, length: number, position: number): number
  llseek?(stream: FsStream, offset: number, whence: number): number
}

export interface EmscriptenFs {
  readonly streams: readonly (FsStream | null)[]
  readonly ErrnoError: new (errno: number) => Error
  mkdir(path: string): FsNode
  mount(type: { mount(): FsNode }, options: object, path: string): FsNode
  createNode(parent: FsNode | null, name: string, mode: number, device: number): FsNode
  getPath(node: FsNode): string
}

export interface SevenZipModule {
  readonly FS: EmscriptenFs
  callMain(args: string[]): number
}

/** Error numbers of WASI, which Emscripten's C library has. */
export const ERRNO = { badFile: 8, exists: 20, tooBig: 22, invalid: 28, io: 29, notFound: 44 } as const

export const FOLDER_MODE = 0o40777
export const FILE_MODE = 0o100666
export const LINK_MODE = 0o120777

/** What stat(2) shows. Times do not matter: nothing here asks for them. */
export function attributesOf({ id, mode, size = 0 }: FsNode): object {
  const time = new Date(0)
  return {
    dev: 1,
    ino: id,
    mode,
    nlink: 1,
    uid: 0,
    gid: 0,
    rdev: 0,
    size,
    atime: time,
    mtime: time,
    ctime: time,
    blksize: 4096,
    blocks: 0,
  }
}

/** lseek(2) in a file of this size. */
export function seekIn(fs: EmscriptenFs, stream: FsStream, offset: number, whence: number): number {
  const from = whence === 1 ? stream.position : whence === 2 ? (stream.node.size ?? 0) : 0
  if (!(from + offset >= 0)) throw new fs.ErrnoError(ERRNO.invalid)
  return from + offset
}
