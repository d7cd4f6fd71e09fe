// An address of which there is no page.
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Start } from "../ui/Start";

export function Missing() {
  const { t } = useTranslation();
  return <Start title={t("missing.title")} action={<Link to="/templates">{t("missing.back")}</Link>}>{t("missing.body")}</Start>;
}
