// The screen of a working copy's machine, through the server. The token goes as one of the WebSocket's
// protocols: a browser can send no header with it, and an address is no place for a secret.
import { Alert, Button, PageSection } from "@patternfly/react-core";
import RFB from "@novnc/novnc";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { token } from "../../api/client";
import { Heading } from "../../ui/Heading";
import { Word } from "../../ui/Word";
import { templatePath } from "../templates/tasks";

type State = { now: "connecting" | "shown" } | { now: "ended"; reason: string };

export default function ScreenPage() {
  const { t } = useTranslation();
  const { name = "" } = useParams();
  const box = useRef<HTMLDivElement>(null);
  const screen = useRef<RFB>(undefined);
  const [state, setState] = useState<State>({ now: "connecting" });
  const [round, setRound] = useState(0);

  useEffect(() => {
    if (!box.current) return;
    setState({ now: "connecting" });
    const url = new URL(`/api/v1/templates/${encodeURIComponent(name)}/maintenance/console`, location.href);
    url.protocol = location.protocol.replace("http", "ws");
    const socket = new WebSocket(url, ["diecast", `bearer.${token.get()}`]);
    let reason = "";
    socket.addEventListener("close", (event) => {
      reason = event.reason;
      setState({ now: "ended", reason });
    });
    const rfb = new RFB(box.current, socket, { shared: true });
    rfb.scaleViewport = true;
    rfb.focusOnClick = true;
    rfb.addEventListener("connect", () => {
      setState({ now: "shown" });
      rfb.focus();
    });
    rfb.addEventListener("disconnect", () => setState({ now: "ended", reason }));
    screen.current = rfb;
    return () => rfb.disconnect();
  }, [name, round]);

  return (
    <>
      <Heading
        title={t("screen.title", { name })}
        above={{ to: templatePath(name, "maintenance"), label: name }}
        beside={<Word word={state.now === "shown" ? "OK" : state.now === "ended" ? "Stopped" : "queued"} text={t(`screen.${state.now}`)} />}
        actions={
          <>
            <Button variant="secondary" isDisabled={state.now !== "shown"} onClick={() => screen.current?.sendCtrlAltDel()}>{t("screen.keys")}</Button>
            <Button variant="secondary" isDisabled={state.now !== "ended"} onClick={() => setRound(round + 1)}>{t("screen.again")}</Button>
          </>
        }
      />
      <PageSection isFilled>
        {state.now === "ended" && (
          <Alert isInline variant="info" title={t("screen.ended")}>{state.reason || t("screen.noReason")}</Alert>
        )}
        <div className="dc-screen" ref={box} role="application" aria-label={t("screen.title", { name })} />
      </PageSection>
    </>
  );
}
