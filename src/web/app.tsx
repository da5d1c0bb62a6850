import { useQuery } from '@tanstack/react-query'
import { lazy } from 'react'
import { Navigate, Route, Routes } from 'react-router'
import { MasterStatus } from './pages/machines/master-status.tsx'
import { sessionQuery } from './queries.ts'
import { isSignedOut } from './query-client.ts'
import { Shell } from './shell/shell.tsx'
import { NotReached, SignedOut } from './shell/signed-out.tsx'

const AddMachine = lazy(() =>
  import('./pages/machines/add-machine.tsx').then((m) => ({ default: m.AddMachine })),
)
const CreateMachine = lazy(() =>
  import('./pages/machines/create-machine.tsx').then((m) => ({ default: m.CreateMachine })),
)
const MachinePage = lazy(() =>
  import('./pages/machine/machine-page.tsx').then((m) => ({ default: m.MachinePage })),
)
const Inspect = lazy(() => import('./pages/disks/inspect.tsx').then((m) => ({ default: m.Inspect })))
const CreateDisk = lazy(() =>
  import('./pages/disks/create-disk.tsx').then((m) => ({ default: m.CreateDisk })),
)
const ViewAllNetworks = lazy(() =>
  import('./pages/networks/view-all.tsx').then((m) => ({ default: m.ViewAllNetworks })),
)
const CreateNetwork = lazy(() =>
  import('./pages/networks/create-network.tsx').then((m) => ({ default: m.CreateNetwork })),
)
const AddNetwork = lazy(() =>
  import('./pages/networks/add-network.tsx').then((m) => ({ default: m.AddNetwork })),
)
const ChooseNetwork = lazy(() =>
  import('./pages/networks/choose-network.tsx').then((m) => ({ default: m.ChooseNetwork })),
)
const NetworkPage = lazy(() =>
  import('./pages/networks/network/network-page.tsx').then((m) => ({ default: m.NetworkPage })),
)
const Tasks = lazy(() => import('./pages/tasks/tasks.tsx').then((m) => ({ default: m.Tasks })))
const Events = lazy(() => import('./pages/events/events.tsx').then((m) => ({ default: m.Events })))
const Computer = lazy(() => import('./pages/computer/computer.tsx').then((m) => ({ default: m.Computer })))
const NotFound = lazy(() => import('./shell/not-found.tsx').then((m) => ({ default: m.NotFound })))

/** Nothing is shown before the server has said who we are. */
export function App() {
  const session = useQuery(sessionQuery)
  if (isSignedOut(session.error)) return <SignedOut retry={() => session.refetch()} />
  if (session.data === undefined)
    return session.isError ? <NotReached error={session.error} retry={() => session.refetch()} /> : null
  return (
    <Routes>
      <Route element={<Shell user={session.data.user} />}>
        <Route index element={<MasterStatus />} />
        <Route path="machines" element={<Navigate to="/" replace />} />
        <Route path="machines/add" element={<AddMachine />} />
        <Route path="machines/create" element={<CreateMachine />} />
        <Route path="machines/:id/:tab?" element={<MachinePage />} />
        <Route path="disks/create" element={<CreateDisk />} />
        <Route path="disks/inspect" element={<Inspect />} />
        <Route path="networks" element={<ViewAllNetworks />} />
        <Route path="networks/create" element={<CreateNetwork />} />
        <Route path="networks/add" element={<AddNetwork />} />
        <Route path="networks/configure" element={<ChooseNetwork />} />
        <Route path="network/:key/:tab?" element={<NetworkPage />} />
        <Route path="tasks" element={<Tasks />} />
        <Route path="events" element={<Events />} />
        <Route path="computer" element={<Computer />} />
        <Route path="*" element={<NotFound />} />
      </Route>
    </Routes>
  )
}
