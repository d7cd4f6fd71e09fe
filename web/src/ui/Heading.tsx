// The head of a page: where one is, what it is called, what can be done with it.
import { Breadcrumb, BreadcrumbItem, Flex, FlexItem, PageSection, Title } from "@patternfly/react-core";
import { useEffect, type ReactNode } from "react";
import { Link } from "react-router";

interface Props {
  title: string;
  above?: { to: string; label: string };
  beside?: ReactNode;
  actions?: ReactNode;
  children?: ReactNode;
}

export function Heading({ title, above, beside, actions, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Diecast`;
  }, [title]);
  return (
    <PageSection className="dc-heading">
      {above && (
        <Breadcrumb>
          <BreadcrumbItem><Link to={above.to}>{above.label}</Link></BreadcrumbItem>
          <BreadcrumbItem isActive><span className="dc-name dc-short">{title}</span></BreadcrumbItem>
        </Breadcrumb>
      )}
      <Flex justifyContent={{ default: "justifyContentSpaceBetween" }} alignItems={{ default: "alignItemsFlexStart" }} rowGap={{ default: "rowGapSm" }}>
        <FlexItem className="dc-heading-name">
          <Flex alignItems={{ default: "alignItemsCenter" }} rowGap={{ default: "rowGapXs" }}>
            <Title headingLevel="h1" className="dc-name">{title}</Title>
            {beside}
          </Flex>
          {children}
        </FlexItem>
        {actions && <FlexItem><Flex columnGap={{ default: "columnGapSm" }} rowGap={{ default: "rowGapSm" }}>{actions}</Flex></FlexItem>}
      </Flex>
    </PageSection>
  );
}
