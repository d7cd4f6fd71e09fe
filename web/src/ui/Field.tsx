// A field with its name, what it is for, and what is wrong with it, all said to those who cannot see it.
import {
  FormGroup, FormHelperText, FormSelect, FormSelectOption, HelperText, HelperTextItem, NumberInput, TextInput,
} from "@patternfly/react-core";
import { useId, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

interface FieldProps {
  label: string;
  help?: string;
  wrong?: string | undefined;
  required?: boolean;
}

function Framed({ id, label, help, wrong, required, children }: FieldProps & { id: string; children: ReactNode }) {
  const words = wrong ?? help;
  return (
    <FormGroup label={label} fieldId={id} isRequired={required}>
      {children}
      {words && (
        <FormHelperText>
          <HelperText id={`${id}-help`} aria-live={wrong ? "polite" : undefined}>
            <HelperTextItem variant={wrong ? "error" : "default"}>{words}</HelperTextItem>
          </HelperText>
        </FormHelperText>
      )}
    </FormGroup>
  );
}

interface TextProps extends FieldProps {
  value: string;
  onChange: (value: string) => void;
  type?: "text" | "password" | "datetime-local";
  autoFocus?: boolean;
  autoComplete?: string;
  placeholder?: string;
}

export function TextField(props: TextProps) {
  const { value, onChange, type = "text", autoFocus, autoComplete = "off", placeholder, ...field } = props;
  const id = useId();
  return (
    <Framed id={id} {...field}>
      <TextInput
        id={id}
        type={type}
        value={value}
        onChange={(_, next) => onChange(next)}
        validated={field.wrong ? "error" : "default"}
        isRequired={field.required}
        aria-describedby={field.wrong || field.help ? `${id}-help` : undefined}
        autoFocus={autoFocus}
        autoComplete={autoComplete}
        placeholder={placeholder}
      />
    </Framed>
  );
}

interface NumberProps extends FieldProps {
  value: number;
  onChange: (value: number) => void;
  min: number;
  max?: number;
}

export function NumberField({ value, onChange, min, max, ...field }: NumberProps) {
  const { t } = useTranslation();
  const id = useId();
  const within = (next: number) => Math.max(min, Math.min(max ?? Number.MAX_SAFE_INTEGER, Number.isNaN(next) ? min : next));
  return (
    <Framed id={id} {...field}>
      <NumberInput
        value={value}
        min={min}
        max={max}
        onMinus={() => onChange(within(value - 1))}
        onPlus={() => onChange(within(value + 1))}
        onChange={(event) => onChange(within(Math.floor(Number(event.currentTarget.value))))}
        inputProps={{ id }}
        inputAriaLabel={field.label}
        minusBtnAriaLabel={t("common.less", { of: field.label })}
        plusBtnAriaLabel={t("common.more", { of: field.label })}
        widthChars={6}
      />
    </Framed>
  );
}

interface ChoiceProps extends FieldProps {
  value: string;
  onChange: (value: string) => void;
  choices: { value: string; label: string; disabled?: boolean }[];
}

export function ChoiceField({ value, onChange, choices, ...field }: ChoiceProps) {
  const id = useId();
  return (
    <Framed id={id} {...field}>
      <FormSelect
        id={id}
        value={value}
        onChange={(_, next) => onChange(next)}
        validated={field.wrong ? "error" : "default"}
        aria-describedby={field.wrong || field.help ? `${id}-help` : undefined}
      >
        {choices.map((it) => <FormSelectOption key={it.value} value={it.value} label={it.label} isDisabled={it.disabled} />)}
      </FormSelect>
    </Framed>
  );
}
