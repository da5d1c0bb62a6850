import { Box, Progress, Text } from '@mantine/core'

interface MeterProps {
  readonly label: string
  readonly percent: number
  readonly text: string
  readonly color?: string
}

export function Meter({ label, percent, text, color = 'fern' }: MeterProps) {
  return (
    <Box miw={72}>
      <Text size="xs" mb={3}>
        {text}
      </Text>
      <Progress.Root size={5} transitionDuration={600}>
        <Progress.Section value={percent} color={color} aria-label={label} />
      </Progress.Root>
    </Box>
  )
}
