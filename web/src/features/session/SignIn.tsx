// Signing in. The token is kept for the tab, never in an address.
import { Button, Card, CardBody, CardTitle } from "@patternfly/react-core";
import { useRef, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api, problemOf, token, told, type Problem } from "../../api/client";
import { TextField } from "../../ui/Field";
import { sentence } from "../../ui/ProblemNote";

export function SignIn({ onSignedIn }: { onSignedIn: () => void }) {
  const { t } = useTranslation();
  const [user, setUser] = useState("admin");
  const [password, setPassword] = useState("");
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const under = useRef(false);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (user === "" || password === "" || under.current) return;
    under.current = true;
    setBusy(true);
    setProblem(undefined);
    try {
      const body = { user, password, note: t("session.note") };
      const signedIn = await told(api.POST("/api/v1/session", { body }));
      token.set(signedIn.token);
      onSignedIn();
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      under.current = false;
      setBusy(false);
    }
  };

  return (
    <main className="dc-sign-in">
      <Card isLarge className="dc-sign-in-card">
        <CardTitle component="h1">
          <img src="/favicon.svg" alt="" width={32} height={32} /> {t("session.title")}
        </CardTitle>
        <CardBody>
          <form className="pf-v6-c-form" onSubmit={(event) => void submit(event)} noValidate>
            <TextField
              label={t("session.user")}
              value={user}
              onChange={setUser}
              autoComplete="username"
              required
              wrong={tried && user === "" ? t("session.noUser") : undefined}
            />
            <TextField
              label={t("session.password")}
              type="password"
              value={password}
              onChange={setPassword}
              autoComplete="current-password"
              autoFocus
              required
              wrong={tried && password === "" ? t("session.noPassword") : undefined}
            />
            {problem && (
              <div role="alert" className="dc-refused">
                <strong>{problem.title}.</strong> {sentence(problem.detail)} {problem.hint && t("problem.hint", { hint: problem.hint })}
              </div>
            )}
            <Button type="submit" isBlock isLoading={busy} isDisabled={busy}>{t("session.signIn")}</Button>
          </form>
        </CardBody>
      </Card>
    </main>
  );
}
