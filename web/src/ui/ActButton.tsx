// A button that asks once, shows that it is at it, and says beside itself why it could not.
import { Button, type ButtonProps } from "@patternfly/react-core";
import type { Act } from "../api/act";

interface Props extends Omit<ButtonProps, "onClick"> {
  act: Act<[]>;
  then?: () => void;
}

export function ActButton({ act, then, isDisabled, children, ...rest }: Props) {
  const press = async () => {
    if ((await act.run()) && then) then();
  };
  return (
    <Button {...rest} isLoading={act.busy} isDisabled={isDisabled || act.busy} onClick={() => void press()}>
      {children}
    </Button>
  );
}
