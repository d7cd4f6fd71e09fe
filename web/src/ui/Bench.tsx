// What stands above a list: search, filters, buttons, and how many there are.
import { SearchInput, Toolbar, ToolbarContent, ToolbarGroup, ToolbarItem } from "@patternfly/react-core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  label: string;
  search?: { value: string; set: (value: string) => void };
  filters?: ReactNode;
  buttons?: ReactNode;
  shown: number;
  total: number;
}

export function Bench({ label, search, filters, buttons, shown, total }: Props) {
  const { t } = useTranslation();
  return (
    <Toolbar className="dc-toolbar" inset={{ default: "insetNone" }}>
      <ToolbarContent>
        {search && (
          <ToolbarItem>
            <SearchInput
              value={search.value}
              onChange={(_, value) => search.set(value)}
              onClear={() => search.set("")}
              placeholder={t("grid.search")}
              aria-label={t("grid.searchIn", { list: label })}
              resetButtonLabel={t("grid.clear")}
            />
          </ToolbarItem>
        )}
        {filters}
        {buttons && <ToolbarGroup variant="action-group">{buttons}</ToolbarGroup>}
        <ToolbarItem align={{ default: "alignEnd" }} alignSelf="center">
          <span className="dc-quiet" aria-live="polite">
            {shown === total ? t("grid.count", { count: total }) : t("grid.some", { count: shown, total })}
          </span>
        </ToolbarItem>
      </ToolbarContent>
    </Toolbar>
  );
}
