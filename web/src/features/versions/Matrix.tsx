// Which version is on which provider.
import { CheckCircleIcon, ExclamationCircleIcon } from "@patternfly/react-icons";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schemas } from "../../api/client";
import { useDistribution } from "../../api/queries";
import { natural } from "../../ui/format";

export function Matrix({ template, versions }: { template: string; versions: Schemas["VersionView"][] }) {
  const { t } = useTranslation();
  const rows = useDistribution(template).data?.providers ?? [];
  const names = [...new Set([...rows.map((row) => row.provider), ...versions.flatMap((it) => it.held_by)])].sort(natural);
  const sorted = [...versions].sort((one, other) => other.number - one.number);
  return (
    <div className="dc-scroll" role="region" aria-label={t("versions.matrix")} tabIndex={0}>
      <Table variant="compact" aria-label={t("versions.matrix")} className="dc-matrix" gridBreakPoint="" isStickyHeader>
        <Thead>
          <Tr>
            <Th>{t("distribution.provider")}</Th>
            {sorted.map((it) => <Th key={it.number}>v{it.number}{it.current ? ` (${t("versions.current")})` : ""}</Th>)}
          </Tr>
        </Thead>
        <Tbody>
          {names.map((name) => (
            <Tr key={name}>
              <Td className="dc-cell-name"><Link to={`/providers/${encodeURIComponent(name)}`}>{name}</Link></Td>
              {sorted.map((it) => (
                <Td key={it.number}>
                  {it.held?.some((held) => held.provider === name && held.damage)
                    ? <span role="img" aria-label={t("versions.isDamaged")} title={t("versions.isDamaged")}><ExclamationCircleIcon color="var(--pf-t--global--icon--color--status--danger--default)" /></span>
                    : it.held_by.includes(name)
                    ? <span role="img" aria-label={t("versions.isHeld")}><CheckCircleIcon color="var(--pf-t--global--icon--color--status--success--default)" /></span>
                    : <span className="dc-quiet" role="img" aria-label={t("versions.notHeld")}>–</span>}
                </Td>
              ))}
            </Tr>
          ))}
        </Tbody>
      </Table>
    </div>
  );
}
