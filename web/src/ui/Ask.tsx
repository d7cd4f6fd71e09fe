// A dialog that asks before something is done: what it means, the form, the server's refusal in it.
import { Button, Modal, ModalBody, ModalFooter, ModalHeader, type ModalProps } from "@patternfly/react-core";
import { type ReactNode, type FormEvent, useId } from "react";
import { useTranslation } from "react-i18next";
import type { Act } from "../api/act";
import { ProblemNote } from "./ProblemNote";

interface Props {
  title: string;
  /** What the button that does it says. */
  doing: string;
  act: Act<[]>;
  onClose: () => void;
  /** Done, if not only closed. */
  then?: () => void;
  danger?: boolean;
  disabled?: boolean;
  variant?: ModalProps["variant"];
  extra?: ReactNode;
  children?: ReactNode;
}

export function Ask(props: Props) {
  const { title, doing, act, onClose, then, danger, disabled, variant = "medium", extra, children } = props;
  const { t } = useTranslation();
  const id = useId();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (disabled || !(await act.run())) return;
    if (then) then();
    else onClose();
  };
  return (
    <Modal isOpen variant={variant} onClose={onClose} aria-labelledby={`${id}-title`}>
      <ModalHeader title={title} labelId={`${id}-title`} />
      <ModalBody tabIndex={0}>
        <form id={`${id}-form`} onSubmit={(event) => void submit(event)} noValidate className="dc-form pf-v6-c-form">
          {children}
          <ProblemNote problem={act.problem} onClose={act.clear} />
        </form>
      </ModalBody>
      <ModalFooter>
        <Button
          type="submit"
          form={`${id}-form`}
          variant={danger ? "danger" : "primary"}
          isLoading={act.busy}
          isDisabled={disabled || act.busy}
        >
          {doing}
        </Button>
        {extra}
        <Button variant="link" onClick={onClose}>{t("common.cancel")}</Button>
      </ModalFooter>
    </Modal>
  );
}
