// Explain: the page of an error code, in a drawer beside what one looks at.
import {
  Drawer, DrawerActions, DrawerCloseButton, DrawerContent, DrawerContentBody, DrawerHead, DrawerPanelBody,
  DrawerPanelContent, Title,
} from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { createContext, useContext, useMemo, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { api, problemOf, told } from "../api/client";
import { Markdown } from "./Markdown";

const Context = createContext<(code: string) => void>(() => undefined);

/** Opens the page of a code. */
export const useExplain = () => useContext(Context);

/** Pages of codes lie beside each other; whatever else a page links to is not served. */
const CODE = /^([A-Z]\d{4})\.md(#.*)?$/;

export function ExplainDrawer({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const [code, setCode] = useState<string>();
  const open = useMemo(() => (next: string) => setCode(next), []);
  const panel = (
    <DrawerPanelContent isResizable defaultSize="34rem" minSize="20rem" aria-label={t("explain.panel")}>
      <DrawerHead>
        <Title headingLevel="h2" size="md">{t("explain.panel")} {code}</Title>
        <DrawerActions>
          <DrawerCloseButton onClick={() => setCode(undefined)} aria-label={t("explain.close")} />
        </DrawerActions>
      </DrawerHead>
      <DrawerPanelBody>{code && <Page code={code} onCode={setCode} />}</DrawerPanelBody>
    </DrawerPanelContent>
  );
  return (
    <Context.Provider value={open}>
      <Drawer isExpanded={code !== undefined} isInline>
        <DrawerContent panelContent={panel}>
          <DrawerContentBody className="dc-drawer-body">{children}</DrawerContentBody>
        </DrawerContent>
      </Drawer>
    </Context.Provider>
  );
}

function Page({ code, onCode }: { code: string; onCode: (code: string) => void }) {
  const { t } = useTranslation();
  const page = useQuery({
    queryKey: ["explain", code],
    staleTime: Infinity,
    queryFn: () => told(api.GET("/api/v1/errors/{code}", { params: { path: { code } }, parseAs: "text" })),
  });
  if (page.error) return <p>{problemOf(page.error).detail}</p>;
  if (!page.data) return <p>{t("common.loading")}</p>;
  const follow = (target: string) => {
    const found = CODE.exec(target)?.[1];
    return found ? () => onCode(found) : undefined;
  };
  return <Markdown text={page.data} onLink={follow} />;
}
