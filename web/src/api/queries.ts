// What the pages read, each under the key by which `stale` finds it again.
import { useQueries, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, tagged, told, type Schemas } from "./client";

/** The server's largest page. */
const PAGE = 1000;
/** As many names as a sentence bears. */
const FEW = 13;

interface List<T> {
  items: T[];
  next?: string | null;
}

/** A whole list, page after page. */
async function all<T>(page: (after: string | undefined) => Promise<List<T>>): Promise<T[]> {
  const items: T[] = [];
  let after: string | undefined;
  do {
    const got = await page(after);
    items.push(...got.items);
    after = got.next ?? undefined;
  } while (after !== undefined);
  return items;
}

export const useSession = () =>
  useQuery({ queryKey: ["session"], queryFn: () => told(api.GET("/api/v1/session")) });

export const useTemplates = () =>
  useQuery({
    queryKey: ["templates"],
    queryFn: () => all((after) => told(api.GET("/api/v1/templates", { params: { query: { limit: PAGE, after } } }))),
  });

export const useTemplate = (name: string) =>
  useQuery({
    queryKey: ["template", name],
    queryFn: () => tagged(api.GET("/api/v1/templates/{name}", { params: { path: { name } } })),
  });

export const useDistribution = (name: string) =>
  useQuery({
    queryKey: ["distribution", name],
    queryFn: () => told(api.GET("/api/v1/templates/{name}/distribution", { params: { path: { name } } })),
  });

export const useVersions = (name: string) =>
  useQuery({
    queryKey: ["versions", name],
    queryFn: () =>
      all((after) =>
        told(
          api.GET("/api/v1/templates/{name}/versions", {
            params: { path: { name }, query: { limit: PAGE, after } },
          }),
        ),
      ),
  });

export const useProviders = () =>
  useQuery({
    queryKey: ["providers"],
    queryFn: () => all((after) => told(api.GET("/api/v1/providers", { params: { query: { limit: PAGE, after } } }))),
  });

export const useProvider = (name: string) =>
  useQuery({
    queryKey: ["provider", name],
    queryFn: () => tagged(api.GET("/api/v1/providers/{name}", { params: { path: { name } } })),
  });

export const useSites = () =>
  useQuery({
    queryKey: ["sites"],
    queryFn: () => all((after) => told(api.GET("/api/v1/sites", { params: { query: { limit: PAGE, after } } }))),
  });

export const useVms = (name: string | undefined) =>
  useQuery({
    queryKey: ["vms", name],
    enabled: Boolean(name),
    queryFn: () =>
      all((after) =>
        told(
          api.GET("/api/v1/providers/{name}/vms", {
            params: { path: { name: name ?? "" }, query: { limit: PAGE, after } },
          }),
        ),
      ),
  });

export interface HostFilter {
  template?: string;
  provider?: string;
  pool?: string;
  outdated?: boolean;
}

export interface HostQuery extends HostFilter {
  status?: string;
  search?: string;
  sort?: string;
  descending?: boolean;
}

const hostPage = (query: HostQuery, skip: number, limit: number, signal?: AbortSignal) =>
  told(api.GET("/api/v1/hosts", { params: { query: { ...query, skip, limit } }, signal }));

/** The rows of hosts that are read at a time. */
export const HOST_ROWS = 100;

/** Of a list of hosts, searched and sorted by the server, the rows from `first` to `last`: no more than those in sight are read. */
export function useHostRows(query: HostQuery, first: number, last: number) {
  const parts = useMemo(() => {
    const from = Math.floor(first / HOST_ROWS);
    return Array.from({ length: Math.floor(last / HOST_ROWS) - from + 1 }, (_, index) => from + index);
  }, [first, last]);
  const read = useQueries({
    queries: parts.map((part) => ({
      queryKey: ["hosts", query, part],
      queryFn: ({ signal }: { signal: AbortSignal }) => hostPage(query, part * HOST_ROWS, HOST_ROWS, signal),
    })),
  });
  const pages = new Map(parts.map((part, index) => [part, read[index]?.data]));
  return { pages, error: read.find((it) => it.error)?.error };
}

/** All hosts that a query means, however many. */
export async function everyHost(query: HostQuery) {
  const items: Schemas["HostView"][] = [];
  for (;;) {
    const page = await hostPage(query, items.length, PAGE);
    items.push(...page.items);
    if (page.items.length < PAGE) return items;
  }
}

/** How many hosts there are of each of these, and the first few of them. */
export function useHostsOf(filters: HostFilter[]) {
  const read = useQueries({
    queries: filters.map((filter) => ({ queryKey: ["hosts", filter, "few"], queryFn: () => hostPage({ ...filter, sort: "name" }, 0, FEW) })),
  });
  return read.map((it) => it.data);
}

export const useHost = (name: string) =>
  useQuery({
    queryKey: ["host", name],
    queryFn: () => tagged(api.GET("/api/v1/hosts/{name}", { params: { path: { name } } })),
  });

export const usePools = () =>
  useQuery({
    queryKey: ["pools"],
    queryFn: () => all((after) => told(api.GET("/api/v1/pools", { params: { query: { limit: PAGE, after } } }))),
  });

export const usePool = (name: string) =>
  useQuery({
    queryKey: ["pool", name],
    queryFn: () => tagged(api.GET("/api/v1/pools/{name}", { params: { path: { name } } })),
  });

export const useRecreations = (template?: string) =>
  useQuery({
    queryKey: ["recreations", template],
    queryFn: () =>
      all((after) =>
        told(api.GET("/api/v1/recreations", { params: { query: { template, limit: PAGE, after } } })),
      ),
  });

export const useRecreation = (id: string) =>
  useQuery({
    queryKey: ["recreation", id],
    queryFn: () => told(api.GET("/api/v1/recreations/{id}", { params: { path: { id } } })),
  });

export const useSchedules = () =>
  useQuery({
    queryKey: ["schedules"],
    queryFn: () => all((after) => told(api.GET("/api/v1/schedules", { params: { query: { limit: PAGE, after } } }))),
  });

export const useAlarms = () =>
  useQuery({
    queryKey: ["alarms"],
    queryFn: () => all((after) => told(api.GET("/api/v1/alarms", { params: { query: { limit: PAGE, after } } }))),
  });

export const useNotifications = () =>
  useQuery({
    queryKey: ["notifications"],
    queryFn: () => all((after) => told(api.GET("/api/v1/notifications", { params: { query: { limit: PAGE, after } } }))),
  });

export const useNotification = (name: string) =>
  useQuery({
    queryKey: ["notification", name],
    queryFn: () => tagged(api.GET("/api/v1/notifications/{name}", { params: { path: { name } } })),
  });

export const useTokens = () =>
  useQuery({
    queryKey: ["tokens"],
    queryFn: () => all((after) => told(api.GET("/api/v1/tokens", { params: { query: { limit: PAGE, after } } }))),
  });

export const useAuditSettings = () =>
  useQuery({ queryKey: ["audit-settings"], queryFn: () => tagged(api.GET("/api/v1/audit/settings")), gcTime: 0 });

export const useRecovery = () =>
  useQuery({ queryKey: ["recovery"], queryFn: () => told(api.GET("/api/v1/recovery")) });
