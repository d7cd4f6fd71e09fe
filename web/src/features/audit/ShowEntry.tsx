// One entry of the audit trail, and what of the record it changed.
import { Button, Modal, ModalBody, ModalFooter, ModalHeader } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";
import { Facts } from "../../ui/Facts";
import { time } from "../../ui/format";
import { Explain } from "../../ui/ProblemNote";
import { differences } from "./differences";

export function ShowEntry({ entry: it, onClose }: { entry: Schemas["AuditEntryView"]; onClose: () => void }) {
  const { t } = useTranslation();
  const changed = differences(it.before, it.after);
  const none = <span className="dc-quiet">{t("common.none")}</span>;
  return (
    <Modal isOpen variant="large" onClose={onClose} aria-label={t("audit.show", { id: it.id })}>
      <ModalHeader title={it.message.replaceAll("`", "")} />
      <ModalBody className="dc-gap" tabIndex={0}>
        <Facts
          facts={[
            [t("audit.at"), time(it.at)],
            [t("audit.who"), it.who],
            [t("audit.from"), it.from],
            [t("audit.call"), <code key="c">{it.call}</code>],
            [t("audit.request"), it.request ? <code key="r">{it.request}</code> : none],
            [t("audit.outcome"), it.refused ? <span key="o" className="dc-refused">{t("audit.refused")} <Explain code={it.refused} /></span> : t("audit.done")],
          ]}
        />
        {changed.length > 0 ? (
          <div className="dc-scroll" role="region" aria-label={t("audit.changes")} tabIndex={0}>
            <Table variant="compact" aria-label={t("audit.changes")} gridBreakPoint="">
              <Thead><Tr><Th>{t("audit.field")}</Th><Th>{t("audit.before")}</Th><Th>{t("audit.after")}</Th></Tr></Thead>
              <Tbody>
                {changed.map((row) => (
                  <Tr key={row.at}><Td className="dc-cell-name"><code>{row.at}</code></Td><Td className="dc-name">{row.before ?? none}</Td><Td className="dc-name">{row.after ?? none}</Td></Tr>
                ))}
              </Tbody>
            </Table>
          </div>
        ) : <p className="dc-quiet">{t("audit.noChange")}</p>}
      </ModalBody>
      <ModalFooter><Button onClick={onClose}>{t("common.close")}</Button></ModalFooter>
    </Modal>
  );
}
