// Whether data disks go too: never without somebody's explicit word.
import { FormGroup, Radio } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";

export type Data = "" | "keep" | "delete";

export function DataChoice({ data, onChange }: { data: Data; onChange: (data: Data) => void }) {
  const { t } = useTranslation();
  return (
    <FormGroup role="radiogroup" label={t("hosts.data")} fieldId="data" isRequired>
      <Radio id="data-keep" name="data" label={t("hosts.dataKeep")} isChecked={data === "keep"} onChange={() => onChange("keep")} />
      <Radio id="data-delete" name="data" label={t("hosts.dataDelete")} isChecked={data === "delete"} onChange={() => onChange("delete")} />
    </FormGroup>
  );
}
