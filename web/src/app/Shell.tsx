// The frame around every page: masthead, navigation, what is known of the connection.
import {
  Banner, Button, Masthead, MastheadBrand, MastheadContent, MastheadLogo, MastheadMain, MastheadToggle, Nav, NavGroup,
  NavItem, NavList, Page, PageSidebar, PageSidebarBody, PageToggleButton, SkipToContent, ToggleGroup, ToggleGroupItem, Toolbar,
  ToolbarContent, ToolbarGroup, ToolbarItem,
} from "@patternfly/react-core";
import { BarsIcon, DesktopIcon, MoonIcon, SunIcon } from "@patternfly/react-icons";
import { useTranslation } from "react-i18next";
import { Link, Outlet, useLocation } from "react-router";
import { useConnection } from "../api/live";
import { useSession } from "../api/queries";
import { Bell } from "../features/alarms/Bell";
import { ExplainDrawer } from "../ui/explain";
import { useTheme } from "./theme";

const PLACES = ["templates", "providers", "hosts", "pools", "recreations", "schedules", "alarms", "events"] as const;
const ADMINISTRATION = ["notifications", "tokens", "audit", "recovery"] as const;
const MAIN = "main";

export function Shell({ onSignOut }: { onSignOut: () => void }) {
  const { t } = useTranslation();
  const here = useLocation().pathname.split("/")[1];
  const item = (place: (typeof PLACES | typeof ADMINISTRATION)[number]) => (
    <NavItem key={place} itemId={place} isActive={here === place}>
      <Link to={`/${place}`} aria-current={here === place ? "page" : undefined}>{t(`${place}.title`)}</Link>
    </NavItem>
  );
  const sidebar = (
    <PageSidebar>
      <PageSidebarBody>
        <Nav aria-label={t("shell.navigation")}>
          <NavList>{PLACES.map(item)}</NavList>
          <NavGroup title={t("shell.administration")}>{ADMINISTRATION.map(item)}</NavGroup>
        </Nav>
      </PageSidebarBody>
    </PageSidebar>
  );
  return (
    <Page
      masthead={<Head onSignOut={onSignOut} />}
      sidebar={sidebar}
      isManagedSidebar
      mainContainerId={MAIN}
      skipToContent={<SkipToContent href={`#${MAIN}`}>{t("shell.skip")}</SkipToContent>}
      isContentFilled
    >
      <ExplainDrawer>
        <Connection />
        <Outlet />
      </ExplainDrawer>
    </Page>
  );
}

function Head({ onSignOut }: { onSignOut: () => void }) {
  const { t } = useTranslation();
  const session = useSession();
  const [theme, choose] = useTheme();
  const themes = [["system", DesktopIcon], ["light", SunIcon], ["dark", MoonIcon]] as const;
  return (
    <Masthead>
      <MastheadMain>
        <MastheadToggle>
          <PageToggleButton variant="plain" aria-label={t("shell.toggle")}><BarsIcon /></PageToggleButton>
        </MastheadToggle>
        <MastheadBrand>
          <MastheadLogo component={(props: object) => <Link {...props} to="/" />}>
            <img src="/favicon.svg" alt="" width={28} height={28} /><span className="dc-brand">Diecast</span>
          </MastheadLogo>
        </MastheadBrand>
      </MastheadMain>
      <MastheadContent>
        <Toolbar isStatic>
          <ToolbarContent>
            <ToolbarGroup align={{ default: "alignEnd" }}>
              <ToolbarItem>
                <ToggleGroup aria-label={t("shell.theme")} isCompact>
                  {themes.map(([name, Icon]) => (
                    <ToggleGroupItem
                      key={name}
                      icon={<Icon />}
                      aria-label={t(`shell.${name}`)}
                      title={t(`shell.${name}`)}
                      isSelected={theme === name}
                      onChange={() => choose(name)}
                    />
                  ))}
                </ToggleGroup>
              </ToolbarItem>
              <ToolbarItem><Bell /></ToolbarItem>
              <ToolbarItem alignSelf="center" className="dc-user">{session.data?.user}</ToolbarItem>
              <ToolbarItem><Button variant="link" onClick={onSignOut}>{t("shell.signOut")}</Button></ToolbarItem>
            </ToolbarGroup>
          </ToolbarContent>
        </Toolbar>
      </MastheadContent>
    </Masthead>
  );
}

/** Said only when it is lost; what is on the page is then of the past. */
function Connection() {
  const { t } = useTranslation();
  const connection = useConnection();
  return (
    <div aria-live="assertive" data-connection={connection}>
      {connection === "lost" && <Banner status="warning" className="dc-lost">{t("shell.lost")}</Banner>}
    </div>
  );
}
