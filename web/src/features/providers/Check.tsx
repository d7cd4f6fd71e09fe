// A check of a provider: it proves that it can do its work, line by line.
import { Button, List, ListItem, Modal, ModalBody, ModalFooter, ModalHeader, Spinner } from "@patternfly/react-core";
import { CheckCircleIcon, ExclamationCircleIcon } from "@patternfly/react-icons";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAct } from "../../api/act";
import { api, told } from "../../api/client";
import { Cause, ProblemNote } from "../../ui/ProblemNote";
import { Word } from "../../ui/Word";

export function Check({ name, onClose }: { name: string; onClose: () => void }) {
  const { t } = useTranslation();
  const [id, setId] = useState<string>();
  const begin = useAct(async () => setId((await told(api.POST("/api/v1/providers/{name}/check", { params: { path: { name } } }))).id));
  const { run } = begin;
  useEffect(() => void run(), [run]);
  // Under the provider's key: its report carries the outcome, and that is what makes this stale.
  const operation = useQuery({
    queryKey: ["provider", name, "operation", id],
    enabled: id !== undefined,
    queryFn: () => told(api.GET("/api/v1/operations/{id}", { params: { path: { id: id ?? "" } } })),
  }).data;
  return (
    <Modal isOpen variant="medium" onClose={onClose} aria-label={t("providers.checkTitle", { name })}>
      <ModalHeader title={t("providers.checkTitle", { name })} />
      <ModalBody className="dc-gap" tabIndex={0} aria-live="polite">
        <ProblemNote problem={begin.problem} />
        {operation ? <Word word={operation.state} /> : !begin.problem && <Spinner size="md" aria-label={t("common.loading")} />}
        {operation?.problem && <Cause problem={operation.problem} />}
        <List isPlain>
          {operation?.lines.map((line) => (
            <ListItem key={line.name} icon={line.ok ? <CheckCircleIcon color="var(--pf-t--global--icon--color--status--success--default)" /> : <ExclamationCircleIcon color="var(--pf-t--global--icon--color--status--danger--default)" />}>
              <strong>{line.name}</strong>: {line.ok ? t("providers.checkWell") : t("providers.checkNot")}. {line.detail} {line.hint && <span className="dc-quiet">{t("problem.hint", { hint: line.hint })}</span>}
            </ListItem>
          ))}
        </List>
      </ModalBody>
      <ModalFooter><Button onClick={onClose}>{t("common.close")}</Button></ModalFooter>
    </Modal>
  );
}
