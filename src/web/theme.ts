import {
  Alert,
  Button,
  createTheme,
  type MantineColorsTuple,
  Menu,
  Modal,
  Paper,
  Table,
  Tooltip,
} from '@mantine/core'

const fern: MantineColorsTuple = [
  '#ecf7ef',
  '#d9ecdf',
  '#b2d9be',
  '#88c59b',
  '#65b47e',
  '#4ea96b',
  '#41a460',
  '#318f50',
  '#257a43',
  '#176635',
]

/** Warnings: dark enough to be read on its own light shade. */
const amber: MantineColorsTuple = [
  '#fff6e0',
  '#ffeccb',
  '#fdd798',
  '#fac05f',
  '#f6ac33',
  '#f3a01a',
  '#d98a0a',
  '#b87205',
  '#955b02',
  '#6e4200',
]

/** Greys with a little green, so that the dark scheme is a greenhouse at night and not a terminal. */
const dark: MantineColorsTuple = [
  '#d7dfd9',
  '#b4bfb7',
  '#8b998f',
  '#66746b',
  '#3d4a42',
  '#2d3832',
  '#212b25',
  '#18201b',
  '#121915',
  '#0c120f',
]

const SANS = 'ui-sans-serif, system-ui, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif'
const MONO = 'ui-monospace, "Cascadia Mono", "SF Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace'

export const theme = createTheme({
  colors: { amber, fern, dark },
  primaryColor: 'fern',
  primaryShade: { light: 8, dark: 8 },
  fontFamily: SANS,
  fontFamilyMonospace: MONO,
  headings: { fontWeight: '650', sizes: { h1: { fontSize: '1.5rem' }, h2: { fontSize: '1.05rem' } } },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Alert: Alert.extend({
      defaultProps: { variant: 'light' },
      styles: (_theme, { color = 'fern' }) => ({
        root: { borderLeft: `4px solid var(--mantine-color-${color}-6)` },
      }),
      vars: (_theme, { color = 'fern' }) => ({
        root: { '--alert-bg': `color-mix(in srgb, var(--mantine-color-${color}-6) 11%, var(--site-card))` },
      }),
    }),
    Button: Button.extend({ defaultProps: { size: 'sm' } }),
    Menu: Menu.extend({ defaultProps: { shadow: 'md', position: 'bottom-end' } }),
    Modal: Modal.extend({ defaultProps: { centered: true, closeButtonProps: { 'aria-label': 'Close' } } }),
    Paper: Paper.extend({ defaultProps: { withBorder: true, radius: 'lg' } }),
    Table: Table.extend({ defaultProps: { verticalSpacing: 6, fz: 'sm' } }),
    Tooltip: Tooltip.extend({
      defaultProps: {
        withArrow: true,
        multiline: true,
        maw: 320,
        openDelay: 200,
        events: { hover: true, focus: true, touch: true },
      },
    }),
  },
})
