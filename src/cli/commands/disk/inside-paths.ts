/** What the help of a verb says of paths in a disk. */
export const INSIDE_PATHS = `
Paths: /WINDOWS, with several volumes /1/WINDOWS. 1:/WINDOWS always names the volume; a disk without partitions is
volume 0, as in 0:/WINDOWS.`
