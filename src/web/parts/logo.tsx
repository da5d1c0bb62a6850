/** Our mark: a sprout under glass. Drawn here once; public/favicon.svg is the same drawing for the tab. */
export function Sprout({ size = 32 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" fill="none" aria-hidden="true" focusable="false">
      <path d="M8 27V13a8 8 0 0 1 16 0v14z" fill="#65b47e" fillOpacity="0.16" />
      <path d="M8 22.5c2.6-1.6 5.2-1.6 8-.4s5.4 1 8-.3V27H8z" fill="#7a5f45" />
      <path d="M16 22.5V14" stroke="#65b47e" strokeWidth="2" strokeLinecap="round" />
      <path d="M16 17c-.2-3.3-2-5-5.2-5.2C11 15.1 12.8 16.9 16 17z" fill="#41a460" />
      <path d="M16 15c.2-3.3 2-5 5.2-5.2C21 13.1 19.2 14.9 16 15z" fill="#88c59b" />
      <path d="M8 27V13a8 8 0 0 1 16 0v14" stroke="#65b47e" strokeWidth="1.8" />
      <path d="M5.5 28h21" stroke="#65b47e" strokeWidth="2.4" strokeLinecap="round" />
      <path d="M14.5 4.5h3" stroke="#65b47e" strokeWidth="2" strokeLinecap="round" />
    </svg>
  )
}
