import { Checkbox, NumberInput, Radio, Select, Stack, Textarea, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { MEMORY_MB } from '../../../machine/index.ts'
import { Panel } from '../../parts/panel.tsx'
import { PathField } from '../../parts/path-field.tsx'
import { networksQuery } from '../../queries.ts'
import classes from './create.module.css'
import { type CreateForm, diskBytes, type FormErrors, GUESTS, IDE_BYTES } from './create-form.ts'

export interface FieldsProps {
  readonly form: CreateForm
  readonly errors: FormErrors
  readonly change: (part: Partial<CreateForm>) => void
}

export function GuestFields({
  form,
  errors,
  change,
  libraryFolder,
}: FieldsProps & { libraryFolder: string }) {
  const choose = (name: string | null) => {
    const guest = GUESTS.find((one) => one.name === name)
    if (guest !== undefined)
      change({ guestOs: guest.name, memoryMB: guest.memoryMB, diskSize: `${guest.diskGiB} GiB` })
  }
  return (
    <Panel title="Machine">
      <Stack gap="md">
        <TextInput
          label="Name"
          required
          value={form.name}
          error={errors.name}
          onChange={(event) => change({ name: event.currentTarget.value })}
          autoComplete="off"
          data-autofocus
        />
        <PathField
          label="Location"
          description="The folder that gets the machine's own folder. Empty: the library."
          wanted="folder"
          placeholder={libraryFolder}
          value={form.location}
          onChange={(location) => change({ location })}
        />
        <div className={classes.pair}>
          <Select
            label="Guest system"
            description="Proposes memory and disk size."
            data={GUESTS.map((guest) => guest.name)}
            value={form.guestOs}
            onChange={choose}
            allowDeselect={false}
            searchable
            maxDropdownHeight={320}
          />
          <NumberInput
            label="Memory"
            description={`${MEMORY_MB.least} to ${MEMORY_MB.most} MB`}
            required
            suffix=" MB"
            value={form.memoryMB}
            error={errors.memoryMB}
            step={32}
            onChange={(memoryMB) => change({ memoryMB })}
          />
        </div>
      </Stack>
    </Panel>
  )
}

export function DiskFields({ form, errors, change }: FieldsProps) {
  return (
    <Panel title="Hard disk">
      <Radio.Group
        aria-label="Hard disk"
        value={form.diskKind}
        onChange={(kind) => change({ diskKind: kind as CreateForm['diskKind'] })}
      >
        <Stack gap="sm">
          <Radio value="new" label="A new disk" />
          {form.diskKind === 'new' && <NewDiskFields form={form} errors={errors} change={change} />}
          <Radio value="differencing" label="A differencing disk on a parent, which stays as it is" />
          {form.diskKind === 'differencing' && (
            <PathField
              label="Parent disk"
              wanted={['disk']}
              value={form.parent}
              error={errors.parent}
              onChange={(parent) => change({ parent })}
            />
          )}
          <Radio value="existing" label="An existing disk" />
          {form.diskKind === 'existing' && (
            <PathField
              label="Disk"
              wanted={['disk']}
              value={form.existing}
              error={errors.existing}
              onChange={(existing) => change({ existing })}
            />
          )}
          <Radio value="none" label="No disk" />
        </Stack>
      </Radio.Group>
    </Panel>
  )
}

function NewDiskFields({ form, errors, change }: FieldsProps) {
  const large = diskBytes(form.diskSize) > IDE_BYTES
  return (
    <div className={classes.pair} style={{ paddingLeft: 32 }}>
      <TextInput
        label="Size"
        required
        value={form.diskSize}
        error={errors.diskSize}
        description={
          large
            ? 'More than 127 GiB: Virtual PC itself would not see the rest.'
            : 'For example 16 GiB or 500 MB'
        }
        onChange={(event) => change({ diskSize: event.currentTarget.value })}
      />
      <Select
        label="Kind"
        description={form.subformat === 'fixed' ? 'All of it is written now.' : 'Grows as it is used.'}
        data={[
          { value: 'dynamic', label: 'Dynamically expanding' },
          { value: 'fixed', label: 'Fixed size' },
        ]}
        value={form.subformat}
        onChange={(value) => change({ subformat: value === 'fixed' ? 'fixed' : 'dynamic' })}
        allowDeselect={false}
      />
    </div>
  )
}

export function MoreFields({ form, errors, change }: FieldsProps) {
  const networks = useQuery(networksQuery).data ?? []
  return (
    <Panel title="Drives, network, notes">
      <Stack gap="md">
        <PathField
          label="CD image"
          description="An .iso file that is in the drive at the first start, for example to install from."
          wanted={['cd']}
          value={form.cd}
          onChange={(cd) => change({ cd })}
        />
        <Select
          label="Virtual network"
          data={[
            { value: '', label: 'Not connected' },
            ...networks.map(({ name }) => ({ value: name, label: name })),
          ]}
          value={form.network}
          onChange={(network) => change({ network: network ?? '' })}
          allowDeselect={false}
        />
        <Checkbox
          label="Undo disks"
          description="The machine's disk stays as it is; changes go to an undo disk that you commit or discard."
          checked={form.undo}
          onChange={(event) => change({ undo: event.currentTarget.checked })}
        />
        <Textarea
          label="Notes"
          autosize
          minRows={2}
          maxRows={8}
          value={form.notes}
          error={errors.notes}
          onChange={(event) => change({ notes: event.currentTarget.value })}
        />
      </Stack>
    </Panel>
  )
}
