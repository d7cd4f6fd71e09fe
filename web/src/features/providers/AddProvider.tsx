// Adding a provider: what it is called, then the one line that starts its agent, then waiting for it.
import { Alert, Button, ClipboardCopy, ClipboardCopyVariant, ExpandableSection, Modal, ModalBody, ModalFooter, ModalHeader, Spinner } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useAct, useIdempotencyKey } from "../../api/act";
import { api, told, type Schemas } from "../../api/client";
import { useProvider } from "../../api/queries";
import { Ask } from "../../ui/Ask";
import { TextField } from "../../ui/Field";
import { Cause } from "../../ui/ProblemNote";
import { isLabel } from "../../ui/rules";
import { Time } from "../../ui/Time";
import { Word } from "../../ui/Word";
import { pairs, pairsRight } from "./pairs";
import { providerPath } from "./tasks";

export function AddProvider({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const key = useIdempotencyKey();
  const [joining, setJoining] = useState<Schemas["JoinView"]>();
  const [more, setMore] = useState(false);
  const [name, setName] = useState("");
  const [site, setSite] = useState("");
  const [uri, setUri] = useState("qemu:///system");
  const [storage, setStorage] = useState("default");
  const [networks, setNetworks] = useState("");
  const [labels, setLabels] = useState("");
  const wrongName = name !== "" && !isLabel(name) ? t("create.nameWrong") : undefined;
  const wrongNetworks = pairsRight(networks) ? undefined : t("providers.pairsWrong");
  const wrongLabels = pairsRight(labels) ? undefined : t("providers.pairsWrong");
  const valid = name !== "" && !wrongName && !wrongNetworks && !wrongLabels && storage !== "" && uri !== "";
  const act = useAct(async () => {
    const body = { name, kind: "libvirt", uri, storage, networks: pairs(networks), labels: pairs(labels), ...(site && { site }) };
    setJoining(await told(api.POST("/api/v1/providers", { headers: key, body })));
  }, [["providers"]]);
  if (joining) return <Joining join={joining} onClose={onClose} />;
  return (
    <Ask title={t("providers.addTitle")} doing={t("providers.add")} act={act} onClose={onClose} then={() => undefined} disabled={!valid}>
      <TextField label={t("providers.name")} help={t("create.nameHelp")} value={name} onChange={setName} wrong={wrongName} required autoFocus />
      <TextField label={t("providers.site")} help={t("providers.siteHelp")} value={site} onChange={setSite} />
      <ExpandableSection toggleText={t("providers.more")} isExpanded={more} onToggle={(_, open) => setMore(open)}>
        <div className="pf-v6-c-form">
          <TextField label={t("providers.uri")} help={t("providers.uriHelp")} value={uri} onChange={setUri} wrong={uri === "" ? t("common.missing") : undefined} required />
          <TextField label={t("providers.storage")} help={t("providers.storageHelp")} value={storage} onChange={setStorage} wrong={storage === "" ? t("common.missing") : undefined} required />
          <TextField label={t("providers.networks")} help={t("providers.networksHelp")} value={networks} onChange={setNetworks} wrong={wrongNetworks} />
          <TextField label={t("providers.labels")} help={t("providers.labelsHelp")} value={labels} onChange={setLabels} wrong={wrongLabels} />
        </div>
      </ExpandableSection>
    </Ask>
  );
}

/** The one line, and whether its agent has come. */
export function Joining({ join, onClose }: { join: Schemas["JoinView"]; onClose: () => void }) {
  const { t } = useTranslation();
  const provider = useProvider(join.name).data?.value;
  const here = provider && provider.state !== "Awaiting agent";
  return (
    <Modal isOpen variant="medium" onClose={onClose} aria-label={t("providers.joinTitle", { name: join.name })}>
      <ModalHeader title={t("providers.joinTitle", { name: join.name })} description={t("providers.joinBody")} />
      <ModalBody className="dc-gap" tabIndex={0}>
        <ClipboardCopy isReadOnly variant={ClipboardCopyVariant.expansion} isExpanded hoverTip={t("common.copy")} clickTip={t("common.copied")} textAriaLabel={t("providers.joinLine")} toggleAriaLabel={t("providers.joinLine")} copyAriaLabel={t("common.copy")} className="dc-join">
          {join.join}
        </ClipboardCopy>
        <p className="dc-quiet">{t("providers.joinOnce")} <Time at={join.expires_at} /></p>
        <div aria-live="polite">
          {here && provider ? (
            <Alert isInline variant={provider.state === "Available" ? "success" : "warning"} title={t("providers.joined", { name: join.name })}>
              <Word word={provider.state} /> {provider.facts?.hypervisor}
              {provider.problem && <Cause problem={provider.problem} />}
            </Alert>
          ) : (
            <p className="dc-row"><Spinner size="md" aria-label={t("common.loading")} /> {t("providers.waiting", { name: join.name })}</p>
          )}
        </div>
      </ModalBody>
      <ModalFooter>
        {here && <Link to={providerPath(join.name)} onClick={onClose} className="pf-v6-c-button pf-m-primary">{t("providers.look")}</Link>}
        <Button variant={here ? "link" : "primary"} onClick={onClose}>{here ? t("common.close") : t("providers.notWait")}</Button>
      </ModalFooter>
    </Modal>
  );
}
