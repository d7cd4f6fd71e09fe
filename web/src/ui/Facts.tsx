// Pairs of a word and what it is here.
import { DescriptionList, DescriptionListDescription, DescriptionListGroup, DescriptionListTerm } from "@patternfly/react-core";
import type { ReactNode } from "react";

export function Facts({ facts, columns = 2 }: { facts: [string, ReactNode][]; columns?: 1 | 2 | 3 }) {
  return (
    <DescriptionList columnModifier={{ default: "1Col", lg: `${columns}Col` }} isCompact>
      {facts.map(([term, value]) => (
        <DescriptionListGroup key={term}>
          <DescriptionListTerm>{term}</DescriptionListTerm>
          <DescriptionListDescription className="dc-name">{value}</DescriptionListDescription>
        </DescriptionListGroup>
      ))}
    </DescriptionList>
  );
}
