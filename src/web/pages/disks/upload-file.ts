import { errorOf } from '../../../api/index.ts'
import { VivariumError } from '../../../base/index.ts'

/**
 * Sends a file as it is. XMLHttpRequest, for `fetch` tells nobody how much has gone.
 * @throws VivariumError as the server said it; kind `unavailable` when it cannot be reached, `conflict` when stopped.
 */
export function uploadFile(
  file: File,
  path: string,
  onProgress: (sentBytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const request = new XMLHttpRequest()
  request.open('PUT', `/api/disks/upload?path=${encodeURIComponent(path)}`)
  request.setRequestHeader('content-type', 'application/octet-stream')
  request.upload.onprogress = (event) => onProgress(event.loaded)
  signal.addEventListener('abort', () => request.abort(), { once: true })
  return new Promise((resolve, reject) => {
    request.onload = () => {
      if (request.status === 200) resolve()
      else reject(errorOf(request.status, request.responseText))
    }
    request.onabort = () =>
      reject(
        new VivariumError('conflict', 'upload-stopped', 'The upload was stopped. Nothing of it was kept.'),
      )
    request.onerror = () =>
      reject(
        new VivariumError('unavailable', 'upload-failed', 'The connection to the server broke off.', {
          next: 'Nothing of it was kept: try again.',
        }),
      )
    request.send(file)
  })
}
