// A filter with a few values, in a list's toolbar.
import { FormSelect, FormSelectOption, ToolbarItem } from "@patternfly/react-core";

interface Props {
  label: string;
  /** What no filter is called. */
  all: string;
  value: string;
  onChange: (value: string) => void;
  choices: string[];
}

export function Choice({ label, all, value, onChange, choices }: Props) {
  return (
    <ToolbarItem>
      <FormSelect value={value} onChange={(_, next) => onChange(next)} aria-label={label}>
        <FormSelectOption value="" label={all} />
        {choices.map((it) => <FormSelectOption key={it} value={it} label={it} />)}
      </FormSelect>
    </ToolbarItem>
  );
}
