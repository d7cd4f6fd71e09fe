// An address of which there is no page.
import { PageSection } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Heading } from "../ui/Heading";

export function Missing() {
  const { t } = useTranslation();
  return (
    <>
      <Heading title={t("missing.title")} />
      <PageSection><p>{t("missing.body")}</p><Link to="/templates">{t("missing.back")}</Link></PageSection>
    </>
  );
}
