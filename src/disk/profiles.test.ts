import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GiB, MiB, TiB } from '../base/index.ts'
import { diskFormats } from './formats/index.ts'
import { geometryBytes, geometryOf } from './formats/vhd/geometry.ts'
import { applyProfile, diskProfiles, profileNamed } from './profiles.ts'

test('a profile names a format and a kind that can be made, and words that tell of it', () => {
  for (const { label, formats, why, limit } of diskProfiles) {
    assert.ok(label.length > 3 && why.endsWith('.') && !limit.endsWith('.'))
    for (const { format, subformat } of formats) {
      const made = diskFormats.find(({ name }) => name === format)?.subformats
      assert.ok(made === undefined || made.some(({ name }) => name === subformat), `${format} ${subformat}`)
    }
  }
})

test('a disk is never made smaller, and again the same it stays', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...diskProfiles),
      fc.integer({ min: 1, max: 260 * 1024 ** 2 }),
      (profile, sectors) => {
        const sizeBytes = Math.min(sectors * 512, profile.maxBytes - 40 * MiB)
        const made = applyProfile(profile, sizeBytes)
        assert.ok(made.sizeBytes >= sizeBytes)
        assert.equal(made.sizeBytes % 512, 0)
        assert.equal(
          made.notes.some(({ code }) => code === 'size-rounded'),
          made.sizeBytes !== sizeBytes,
        )
        assert.equal(applyProfile(profile, made.sizeBytes).sizeBytes, made.sizeBytes)
      },
    ),
  )
})

test('Azure: fixed, whole MiB, and says so', () => {
  const made = applyProfile(profileNamed('azure'), 30 * MiB + 512)
  assert.deepEqual([made.format, made.subformat, made.sizeBytes], ['vhd', 'fixed', 31 * MiB])
  assert.equal(
    made.notes[0]?.message,
    'The size was rounded up from 31457792 to 32505856 bytes, for Microsoft Azure takes whole MiB only.',
  )
  assert.equal(applyProfile(profileNamed('azure'), MiB).sizeBytes, 20 * MiB)
})

test('Virtual PC: whole cylinders, up to the last one that IDE addresses', () => {
  const profile = profileNamed('virtual-pc')
  for (const size of [4 * MiB, 256 * MiB, 504 * MiB, 8 * GiB, 32 * GiB, 127 * GiB]) {
    const made = applyProfile(profile, size).sizeBytes
    assert.equal(geometryBytes(geometryOf(made)), made)
    assert.ok(made - size < 16 * 255 * 512)
  }
  assert.equal(applyProfile(profile, 136_899_993_600).sizeBytes, 136_899_993_600)
  assert.throws(() => applyProfile(profile, 136_899_993_600 + 512), { code: 'profile-too-large' })
})

test('what a product does not take is refused', () => {
  assert.throws(() => applyProfile(profileNamed('azure'), MiB, { format: 'vhdx' }), {
    code: 'profile-format',
  })
  assert.throws(() => applyProfile(profileNamed('azure'), MiB, { subformat: 'dynamic' }), {
    code: 'profile-format',
  })
  assert.throws(() => applyProfile(profileNamed('hyper-v-1'), 3 * TiB, { format: 'vhd' }), {
    code: 'profile-too-large',
  })
  assert.equal(applyProfile(profileNamed('hyper-v-1'), 3 * TiB).format, 'vhdx')
  assert.equal(applyProfile(profileNamed('virtual-server'), 200 * GiB).notes[0]?.code, 'profile-mind')
  assert.throws(() => profileNamed('xen'), { code: 'no-such-profile' })
})
