// An empty list that says what to do first.
import { EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter } from "@patternfly/react-core";
import type { ComponentType, ReactNode } from "react";

interface Props {
  icon?: ComponentType;
  title: string;
  children: ReactNode;
  action?: ReactNode;
}

export function Start({ icon, title, children, action }: Props) {
  return (
    <EmptyState titleText={title} headingLevel="h2" icon={icon} variant="lg">
      <EmptyStateBody>{children}</EmptyStateBody>
      {action && <EmptyStateFooter><EmptyStateActions>{action}</EmptyStateActions></EmptyStateFooter>}
    </EmptyState>
  );
}
