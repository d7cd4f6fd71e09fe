// Where the golden machine is: a provider, and a VM on it or an image; and why one cannot be taken.
import { FormGroup, Radio } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";
import { ChoiceField, TextField } from "../../ui/Field";
import { bytes, natural } from "../../ui/format";
import { Loaded } from "../../ui/Loaded";
import { Cause } from "../../ui/ProblemNote";
import { PowerWord } from "../../ui/Word";

export interface Source {
  provider: string;
  from: "vm" | "image";
  vm: string;
  image: string;
}

interface Props {
  providers: Schemas["ProviderView"][];
  source: Source;
  onChange: (source: Source) => void;
  vms: { data: Schemas["VmView"][] | undefined; error: unknown };
}

export function SourceStep({ providers, source, onChange, vms }: Props) {
  const { t } = useTranslation();
  const sorted = [...providers].sort((one, other) => natural(one.name, other.name));
  const choices = sorted.map((it) => ({
    value: it.name,
    label: it.state === "Available" ? it.name : `${it.name} (${it.state})`,
    disabled: it.state !== "Available",
  }));
  return (
    <div className="pf-v6-c-form">
      <ChoiceField
        label={t("create.provider")}
        help={t("create.providerHelp")}
        value={source.provider}
        onChange={(provider) => onChange({ ...source, provider, vm: "" })}
        choices={[{ value: "", label: t("create.chooseProvider"), disabled: false }, ...choices]}
        required
      />
      <FormGroup role="radiogroup" label={t("create.from")} fieldId="from" isInline>
        <Radio id="from-vm" name="from" label={t("create.fromVm")} isChecked={source.from === "vm"} onChange={() => onChange({ ...source, from: "vm" })} />
        <Radio id="from-image" name="from" label={t("create.fromImage")} isChecked={source.from === "image"} onChange={() => onChange({ ...source, from: "image" })} />
      </FormGroup>
      {source.from === "image" && (
        <TextField
          label={t("create.image")}
          help={t("create.imageHelp")}
          value={source.image}
          onChange={(image) => onChange({ ...source, image })}
          wrong={source.image !== "" && !source.image.startsWith("/") ? t("create.imageWrong") : undefined}
          required
        />
      )}
      {source.from === "vm" && source.provider !== "" && (
        <Loaded query={vms}>{(found) => <Vms vms={found} source={source} onChange={onChange} />}</Loaded>
      )}
    </div>
  );
}

function Vms({ vms, source, onChange }: { vms: Schemas["VmView"][]; source: Source; onChange: (source: Source) => void }) {
  const { t } = useTranslation();
  const sorted = vms.filter((it) => !it.managed).sort((one, other) => natural(one.name, other.name));
  if (sorted.length === 0) return <p className="dc-quiet">{t("create.noVms", { provider: source.provider })}</p>;
  return (
    <div className="dc-scroll" role="region" aria-label={t("create.vm")} tabIndex={0}>
      <Table variant="compact" aria-label={t("create.vm")} gridBreakPoint="" isStickyHeader>
        <Thead><Tr><Th screenReaderText={t("create.choose")} /><Th>{t("create.vm")}</Th><Th>{t("create.power")}</Th><Th>{t("create.machine")}</Th><Th>{t("create.obstacle")}</Th></Tr></Thead>
        <Tbody>
          {sorted.map((vm) => (
            <Tr key={vm.uuid} isClickable={!vm.obstacle} onRowClick={() => !vm.obstacle && onChange({ ...source, vm: vm.name })}>
              <Td>
                <Radio
                  id={`vm-${vm.uuid}`}
                  name="vm"
                  aria-label={vm.name}
                  isChecked={source.vm === vm.name}
                  isDisabled={Boolean(vm.obstacle)}
                  onChange={() => onChange({ ...source, vm: vm.name })}
                />
              </Td>
              <Td className="dc-cell-name">{vm.name}</Td>
              <Td><PowerWord power={vm.power} /></Td>
              <Td className="dc-nowrap">{t("create.hardware", { count: vm.vcpus, memory: bytes(vm.memory_bytes) })}</Td>
              <Td>{vm.obstacle ? <Cause problem={vm.obstacle} /> : <span className="dc-quiet">{t("common.none")}</span>}</Td>
            </Tr>
          ))}
        </Tbody>
      </Table>
    </div>
  );
}
