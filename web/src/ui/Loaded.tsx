// What was read, or that it is being read, or why it could not be. Old data stays while new is read.
import { Bullseye, Spinner } from "@patternfly/react-core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { problemOf } from "../api/client";
import { ProblemNote } from "./ProblemNote";

interface Props<T> {
  query: { data: T | undefined; error: unknown };
  children: (data: T) => ReactNode;
}

export function Loaded<T>({ query, children }: Props<T>) {
  const { t } = useTranslation();
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) return <ProblemNote problem={problemOf(query.error)} />;
  return <Bullseye className="dc-loading"><Spinner aria-label={t("common.loading")} /></Bullseye>;
}
