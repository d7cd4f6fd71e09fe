// The routes, and whether somebody is signed in.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { BrowserRouter, Navigate, Route, Routes } from "react-router";
import { api, onSignedOut, token } from "../api/client";
import { follow } from "../api/live";
import { AlarmsPage } from "../features/alarms/AlarmsPage";
import { AuditPage } from "../features/audit/AuditPage";
import { EventsPage } from "../features/events/EventsPage";
import { HostPage } from "../features/hosts/HostPage";
import { HostsPage } from "../features/hosts/HostsPage";
import { NotificationsPage } from "../features/notifications/NotificationsPage";
import { PoolPage } from "../features/pools/PoolPage";
import { PoolsPage } from "../features/pools/PoolsPage";
import { ProviderPage } from "../features/providers/ProviderPage";
import { ProvidersPage } from "../features/providers/ProvidersPage";
import { RecoveryPage } from "../features/recovery/RecoveryPage";
import { RecreationPage } from "../features/recreations/RecreationPage";
import { RecreationsPage } from "../features/recreations/RecreationsPage";
import { SchedulesPage } from "../features/schedules/SchedulesPage";
import { SignIn } from "../features/session/SignIn";
import { CreateTemplate } from "../features/templates/CreateTemplate";
import { TemplatePage } from "../features/templates/TemplatePage";
import { TemplatesPage } from "../features/templates/TemplatesPage";
import { TokensPage } from "../features/tokens/TokensPage";
import { Missing } from "./Missing";
import { Shell } from "./Shell";
import { Whole } from "./Whole";

// The screen of a machine is large, and seldom looked at.
const ScreenPage = lazy(() => import("../features/maintenance/ScreenPage"));

function makeQueries() {
  // What is read stays so until the server says otherwise: there is no polling.
  return new QueryClient({
    defaultOptions: { queries: { staleTime: Infinity, gcTime: 60_000, retry: 1, refetchOnWindowFocus: false } },
  });
}

export function App() {
  const { t } = useTranslation();
  const [queries, setQueries] = useState(makeQueries);
  const [signedIn, setSignedIn] = useState(token.get() !== null);
  const leave = useCallback(() => {
    token.drop();
    setSignedIn(false);
    // Nothing that one administrator saw is left for the next.
    setQueries(makeQueries());
  }, []);
  useEffect(() => onSignedOut(leave), [leave]);
  useEffect(() => (signedIn ? follow(queries) : undefined), [signedIn, queries]);
  const signOut = () => void api.DELETE("/api/v1/session").finally(leave);

  if (!signedIn) return <Whole><SignIn onSignedIn={() => setSignedIn(true)} /></Whole>;
  return (
    <Whole>
      <QueryClientProvider client={queries}>
        <BrowserRouter>
          <Suspense fallback={<p>{t("common.loading")}</p>}>
            <Routes>
              <Route element={<Shell onSignOut={signOut} />}>
                <Route index element={<Navigate to="/templates" replace />} />
                <Route path="templates" element={<TemplatesPage />} />
                <Route path="create-template" element={<CreateTemplate />} />
                <Route path="templates/:name/:tab?" element={<TemplatePage />} />
                <Route path="templates/:name/maintenance/screen" element={<ScreenPage />} />
                <Route path="providers" element={<ProvidersPage />} />
                <Route path="providers/:name" element={<ProviderPage />} />
                <Route path="hosts" element={<HostsPage />} />
                <Route path="hosts/:name" element={<HostPage />} />
                <Route path="pools" element={<PoolsPage />} />
                <Route path="pools/:name" element={<PoolPage />} />
                <Route path="recreations" element={<RecreationsPage />} />
                <Route path="recreations/:id" element={<RecreationPage />} />
                <Route path="schedules" element={<SchedulesPage />} />
                <Route path="alarms" element={<AlarmsPage />} />
                <Route path="notifications" element={<NotificationsPage />} />
                <Route path="tokens" element={<TokensPage />} />
                <Route path="audit" element={<AuditPage />} />
                <Route path="recovery" element={<RecoveryPage />} />
                <Route path="events" element={<EventsPage />} />
                <Route path="*" element={<Missing />} />
              </Route>
            </Routes>
          </Suspense>
        </BrowserRouter>
      </QueryClientProvider>
    </Whole>
  );
}
