// What the pages read, each under the key by which `stale` finds it again.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { api, tagged, told } from "./client";

/** The server's largest page. */
const PAGE = 1000;

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

/** Hosts as they arrive, a page at a time: the first are shown before the last are read. */
export function useHosts(filter: HostFilter) {
  const query = useInfiniteQuery({
    queryKey: ["hosts", filter],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      told(api.GET("/api/v1/hosts", { params: { query: { ...filter, limit: PAGE, after: pageParam } } })),
    getNextPageParam: (page) => page.next ?? undefined,
  });
  const { hasNextPage, isFetching, fetchNextPage } = query;
  useEffect(() => {
    if (hasNextPage && !isFetching) void fetchNextPage();
  }, [hasNextPage, isFetching, fetchNextPage]);
  const data = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data]);
  return { data, error: query.error, isPending: query.isPending, more: hasNextPage };
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
